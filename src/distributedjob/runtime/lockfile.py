"""One process per data folder: a lock that the kernel releases when its holder dies."""

import fcntl
import os
from pathlib import Path

from distributedjob.runtime.errors import AlreadyRunning


class LockFile:
    """An exclusive lock, held until `release`; the file names the holder's pid."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._handle, 32).decode("ascii", "replace").strip()
            os.close(self._handle)
            raise AlreadyRunning(path.parent, pid=holder) from None
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._handle)
