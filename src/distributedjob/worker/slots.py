"""How many executions this node may hold at once."""


class Slots:
    """A counter; used on the event loop only."""

    __slots__ = ("_used", "cordoned", "fit", "total")

    def __init__(self, total: int) -> None:
        self.total = total
        self._used = 0
        self.fit = True
        """False while the node can take no new work: stopping, not fresh, or its loop lags."""
        self.cordoned = False
        """True while an operator wants it to take none."""

    @property
    def open(self) -> bool:
        """Whether new work may come."""
        return self.fit and not self.cordoned

    @property
    def free(self) -> int:
        return self.total - self._used if self.open else 0

    @property
    def used(self) -> int:
        return self._used

    def take(self, wanted: int) -> int:
        """Reserve up to `wanted` slots; returns how many."""
        taken = max(0, min(wanted, self.free))
        self._used += taken
        return taken

    def give_back(self, count: int) -> None:
        self._used -= count
