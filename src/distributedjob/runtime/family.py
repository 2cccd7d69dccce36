"""Several full processes on one machine: the parent forks them, passes signals on, and replaces the dead.

The parent has no threads and no event loop, so it may fork at any time.
"""

import ctypes
import os
import signal
import time
from collections.abc import Callable
from types import FrameType

PR_SET_PDEATHSIG = 1
RESTART_SECONDS = 1.0

FATAL = 64
"""Exit code of a child that cannot run as it is set up: starting it again would not help."""


AWAY = 5
"""Exit code of a child that could not start because something it needs is away: it is started again."""


class Family:
    """`start` runs in each child with its number, counted from 0; what it returns is the child's exit code.

    `on_death` gets the pid and the exit code of a child that is about to be replaced.
    """

    def __init__(self, start: Callable[[int], int], *, size: int, on_death: Callable[[int, int], None]) -> None:
        self._start = start
        self._on_death = on_death
        self._size = size
        self._children: dict[int, int] = {}
        self._stopping = False

    def live(self) -> int:
        """Until a signal ended all children; returns the worst exit code of the last generation."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._pass_on)
        for child in range(self._size):
            self._fork(child)
        worst = 0
        while self._children:
            try:
                pid, status = os.wait()
            except InterruptedError:
                continue
            if pid not in self._children:
                continue
            child = self._children.pop(pid)
            code = os.waitstatus_to_exitcode(status)
            if code == FATAL:
                self._pass_on(signal.SIGTERM, None)
            if self._stopping:
                worst = max(worst, code)
            else:
                self._on_death(pid, code)
                time.sleep(RESTART_SECONDS)
                self._fork(child)
        return worst

    def _fork(self, child: int) -> None:
        if self._stopping:
            return
        pid = os.fork()
        if pid:
            self._children[pid] = child
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        # A group of its own, so that Ctrl-C reaches it once, through the parent; and no life without the parent.
        os.setpgid(0, 0)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        code = 1
        try:
            code = self._start(child)
        finally:
            os._exit(code)

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        for pid in self._children:
            os.kill(pid, number)
