"""Makes ids in any thread, once node bits are leased."""

from collections.abc import Callable
from threading import Lock

from distributedjob.model.identity import IdSequence


class IdMaker:
    """`now` reads the installation's clock in microseconds."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._lock = Lock()
        self._sequence: IdSequence | None = None

    def lease(self, number: int) -> None:
        """Make ids with these node bits from now on."""
        self._sequence = IdSequence(number)

    def __call__(self) -> int:
        sequence = self._sequence
        if sequence is None:
            raise RuntimeError("no node bits are leased yet")
        with self._lock:
            return sequence.next(self._now())
