"""News inside one process: each kind goes straight to whoever asked for it."""

from collections.abc import Callable, Sequence
from typing import Any

from distributedjob.dispatch.port import News


class LocalDispatch:
    """Listeners are called on the event loop, in the order of the news."""

    def __init__(self) -> None:
        self._listeners: dict[type, list[Callable[[Any], None]]] = {}

    def listen(self, kind: type, listener: Callable[[Any], None]) -> None:
        self._listeners.setdefault(kind, []).append(listener)

    def forget(self) -> None:
        """Drop all listeners: their session is over."""
        self._listeners.clear()

    def announce(self, news: Sequence[News]) -> None:
        for item in news:
            for listener in self._listeners.get(type(item), ()):
                listener(item)
