"""A server of a test's own: a child process with a folder, which can be killed, frozen, thawed and started again.

All verbs block, with a deadline; from a running event loop call them with `asyncio.to_thread`. The server cannot
outlive the test process: the kernel kills it with the thread that started it.
"""

import http.client
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Self

START_SECONDS = 60.0  # a few at most on a machine of its own; tests share theirs
STOP_SECONDS = 30.0
PROBE_SECONDS = 0.02
HOST = "127.0.0.1"
_DIE_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")


class DidNotStart(RuntimeError):
    """The server ended, or was not ready in time; the text has the end of its log."""


class Daemon(ABC):
    """One server process. Use it as `with RedisServer(folder) as redis:`; what it stored goes at the end."""

    def __init__(self, folder: Path, *, name: str) -> None:
        self.name = name
        self.folder = folder
        self.data = folder / "data"
        self.log_path = folder / f"{name}.log"
        self._child: subprocess.Popen[bytes] | None = None
        self._log_begin = 0

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """The program with its arguments."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Whether it serves. OSErrors mean no."""

    def _prepare(self) -> None:
        """Make what the first start needs."""
        self.data.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Start and wait until it serves."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start without waiting."""
        assert not self.is_running, f"{self.name} runs already"
        self._prepare()
        with self.log_path.open("ab") as log:
            self._log_begin = log.tell()
            self._child = subprocess.Popen(
                [*_DIE_WITH_US, *self._command()], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
            )

    def wait_until_ready(self, *, timeout_seconds: float = START_SECONDS) -> None:
        deadline = time.monotonic() + timeout_seconds
        while not self._serves():
            if not self.is_running:
                raise DidNotStart(f"{self.name} ended with {self.child.returncode}:\n{self.log_text()[-2000:]}")
            if time.monotonic() > deadline:
                raise DidNotStart(f"{self.name}: not ready after {timeout_seconds} s:\n{self.log_text()[-2000:]}")
            time.sleep(PROBE_SECONDS)

    @property
    def child(self) -> "subprocess.Popen[bytes]":
        assert self._child is not None, f"{self.name} was not started"
        return self._child

    @property
    def pid(self) -> int:
        return self.child.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is there; a frozen one is."""
        return self._child is not None and self._child.poll() is None

    def log_text(self) -> str:
        """What it has logged since its last start."""
        return self.log_path.read_bytes()[self._log_begin :].decode(errors="replace")

    def kill(self) -> None:
        """SIGKILL, as a crash. What it has stored stays."""
        self.child.kill()
        self.child.wait(timeout=STOP_SECONDS)

    def stop(self) -> None:
        """SIGTERM, as an operator stops it."""
        self.child.terminate()
        self.child.wait(timeout=STOP_SECONDS)

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        self.child.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.child.send_signal(signal.SIGCONT)

    def restart(self) -> None:
        """Kill it if it runs, and start it on the same port with what it has stored."""
        if self.is_running:
            self.kill()
        self.start()

    def wipe(self) -> None:
        """Lose everything: kill it, delete its data, start it anew on the same port."""
        self.close()
        self.start()

    def close(self) -> None:
        """End it whatever its state, and delete its data; doing so twice is fine."""
        if self.is_running:
            self.kill()
        shutil.rmtree(self.data, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serves(self) -> bool:
        try:
            return self._is_ready()
        except (OSError, http.client.HTTPException):
            return False


def accepts(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
