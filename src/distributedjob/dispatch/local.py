"""News inside one process: each kind goes straight to whoever asked for it, and out to the other nodes by carriers."""

from collections.abc import Callable, Sequence
from typing import Any

from distributedjob.dispatch.port import Carrier, News
from distributedjob.model.execution import Hint

Listener = Callable[[Any], object]


class LocalDispatch:
    """Listeners are called on the event loop, in the order of the news.

    A hint that a listener of this process takes, which it says by True, is not carried: one worker is enough.
    """

    def __init__(self) -> None:
        self._listeners: dict[type, list[Listener]] = {}
        self._carriers: list[Carrier] = []

    def listen(self, kind: type, listener: Listener) -> None:
        self._listeners.setdefault(kind, []).append(listener)

    def forget(self) -> None:
        """Drop all listeners: their session is over."""
        self._listeners.clear()

    def carry_by(self, carrier: Carrier) -> None:
        """Let `carrier` take news to other nodes from now on."""
        self._carriers.append(carrier)

    def announce(self, news: Sequence[News]) -> None:
        """Tell this process, then the others."""
        left = [item for item in news if not self._deliver(item)]
        if left:
            for carrier in self._carriers:
                carrier.carry(left)

    def deliver(self, news: Sequence[News]) -> None:
        """News that came from another node: told here, and not carried on."""
        for item in news:
            self._deliver(item)

    def _deliver(self, item: News) -> bool:
        """Whether it is a hint and somebody here took it."""
        taken = [listener(item) is True for listener in self._listeners.get(type(item), ())]
        return isinstance(item, Hint) and any(taken)
