"""How many rows go into one transaction: fewer after trouble, more again while all goes well.

A batch may be too long for the server's packets, may meet rows that others hold, or may not end in time. Each failure
halves it, down to one row, so that trouble with a row becomes the trouble of that row alone. An outage halves it too,
which costs a few small transactions afterwards.
"""

SLOW_SECONDS = 5.0
"""A batch that succeeds but takes longer keeps locks that others wait for."""

ENOUGH = 32
"""Slowness makes no batch smaller than this: most of a transaction's cost is the transaction's, not its rows'."""


class BatchSize:
    """Starts at `most`, in rows."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.now = most

    def note_success(self, rows: int, *, seconds: float) -> None:
        """A batch of so many rows was written in that time."""
        if seconds > SLOW_SECONDS:
            self.now = min(self.now, max(rows // 2, ENOUGH))
        elif rows >= self.now:
            self.now = min(self._most, self.now * 2)

    def note_failure(self, rows: int) -> None:
        """A batch of so many rows was not written, or nobody knows whether it was."""
        self.now = max(1, min(self.now, rows // 2))
