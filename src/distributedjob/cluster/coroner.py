"""Declares sessions dead, on a thread and a connection of its own.

The row of a frozen node may be locked by a transaction that froze with it. Waiting for that lock must not delay the
own beats: a gap in them would make all observation void, the verdict included.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from distributedjob.model.errors import Unavailable
from distributedjob.store import nodes
from distributedjob.store.port import BlockingWriter

WRITE_TIMEOUT = 8.0


class Coroner:
    """`now` reads the installation's clock. `on_dead` gets each session that it was the one to declare dead; it and
    `on_error` are called from the coroner's thread."""

    def __init__(
        self,
        *,
        writer: Callable[[], BlockingWriter],
        now: Callable[[], int],
        on_dead: Callable[[int], object],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._open_writer = writer
        self._now = now
        self._on_dead = on_dead
        self._on_error = on_error
        self._thread: threading.Thread | None = None

    def declare(self, overdue: Sequence[tuple[int, int]]) -> None:
        """Declare these (session, last seen beat) dead, unless they beat in between. Returns at once.

        While earlier ones are under way nothing happens: whoever is still overdue is named again a second later.
        """
        if not overdue or (self._thread is not None and self._thread.is_alive()):
            return
        self._thread = threading.Thread(target=self._declare, args=(overdue,), name="coroner", daemon=True)
        self._thread.start()

    def close(self, *, timeout: float) -> None:
        """Wait for what is under way; `timeout` in seconds."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _declare(self, overdue: Sequence[tuple[int, int]]) -> None:
        try:
            writer = self._open_writer()
            try:
                for session, seen_beat in overdue:
                    self._declare_one(writer, session, seen_beat)
            finally:
                writer.close()
        except Exception as error:  # noqa: BLE001 - the next beat names them again
            self._on_error(error)

    def _declare_one(self, writer: BlockingWriter, session: int, seen_beat: int) -> None:
        declare = partial(nodes.declare_dead, session=session, seen_beat=seen_beat, now=self._now())
        # A row that stays locked keeps nobody else alive. An outage is told by the beats.
        with suppress(Unavailable, TimeoutError):
            if writer.write(declare, timeout=WRITE_TIMEOUT):
                self._on_dead(session)
