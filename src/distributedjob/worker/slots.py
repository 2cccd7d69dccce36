"""How many executions this node may hold at once."""

from distributedjob.worker.ahead import Ahead


class Slots:
    """A counter; used on the event loop only."""

    __slots__ = ("_used", "ahead", "cordoned", "fit", "total")

    def __init__(self, total: int) -> None:
        self.total = total
        self._used = 0
        self.ahead = Ahead(total)
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
        return max(0, self.total - self._used) if self.open else 0

    @property
    def room(self) -> int:
        """The free slots, and those expected to be free by the time a claim is made."""
        if not self.open:
            return 0
        return max(0, self.total + self.ahead.size(min(self._used, self.total)) - self._used)

    @property
    def used(self) -> int:
        """Executions between claim and result: calls, and what waits for a slot."""
        return self._used

    def take(self, wanted: int) -> int:
        """Reserve up to `wanted` free slots; returns how many."""
        return self._take(min(wanted, self.free))

    def take_room(self, wanted: int) -> int:
        """Reserve up to `wanted` of the room; returns how many."""
        return self._take(min(wanted, self.room))

    def _take(self, count: int) -> int:
        self._used += count
        return count

    def give_back(self, count: int) -> None:
        self._used -= count
