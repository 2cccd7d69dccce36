"""Results on this machine's disk while the database is away. Append only, one JSON line each, synced.

A line that was cut by a crash is ignored: its result was never promised. Files are named by session and locked
while their process lives, so only the dead are replayed.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import msgspec

from distributedjob.services.results import Result

PREFIX, SUFFIX = "journal-", ".jsonl"


class Journal:
    """The journal of one session. Blocking; callers use a thread.

    The lock makes `close` wait for an append whose caller was cancelled: its thread goes on, and must not write
    into a number that the kernel has given to another file by then.
    """

    def __init__(self, directory: Path, *, session: int) -> None:
        self.path = directory / f"{PREFIX}{session}{SUFFIX}"
        # Locked before it has its name: another process that looks for orphans must never find it unlocked.
        nameless = directory / f".{self.path.name}.{os.getpid()}"
        self._file = os.open(nameless, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        nameless.rename(self.path)
        self._size = 0
        self._lock = Lock()
        self._closed = False

    @property
    def size(self) -> int:
        """Bytes that wait for the database."""
        return self._size

    def append(self, results: Sequence[Result]) -> None:
        """Write and sync all or nothing; raises OSError when the disk refuses."""
        lines = b"".join(msgspec.json.encode(result) + b"\n" for result in results)
        with self._lock:
            if self._closed:
                raise OSError(f"{self.path} is closed")
            try:
                _write_all(self._file, lines)
                os.fdatasync(self._file)
            except OSError:
                # Half a line would swallow the next one.
                os.ftruncate(self._file, self._size)
                raise
            self._size += len(lines)

    def clear(self) -> None:
        """All of it is in the database now."""
        with self._lock:
            if not self._closed:
                os.ftruncate(self._file, 0)
                self._size = 0

    def close(self) -> None:
        """Forget an empty journal; one with results stays for the next start."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._size == 0:
                self.path.unlink(missing_ok=True)
            os.close(self._file)


def _write_all(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]


def find_orphans(directory: Path) -> Iterator[Path]:
    """Journals of processes that are gone. Each is locked by the caller's process until the next one is asked for."""
    for path in sorted(directory.glob(f"{PREFIX}*{SUFFIX}")):
        with _locked(path) as mine:
            if mine:
                yield path


@contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Whether the file is ours now: not its living owner's, and not replayed and removed by another process."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        yield _lock(handle) and os.fstat(handle).st_nlink > 0
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def session_of(path: Path) -> int | None:
    """The session whose journal this is; None for a file that only looks like one."""
    name = path.name.removeprefix(PREFIX).removesuffix(SUFFIX)
    return int(name) if name.isdecimal() else None


def read_results(path: Path) -> list[Result]:
    """The results of a journal, of each execution that of its last claim: that it was claimed again shows that the
    older ones had reached the database. They may be kept in any order."""
    results: dict[int, Result] = {}
    for line in path.read_bytes().splitlines():
        try:
            result = msgspec.json.decode(line, type=Result)
        except msgspec.DecodeError:
            continue
        known = results.get(result.row.id)
        if known is None or result.row.fence >= known.row.fence:
            results[result.row.id] = result
    return list(results.values())
