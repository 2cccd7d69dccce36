"""Results on this machine's disk while the database is away. Append only, one JSON line each, synced.

A line that was cut by a crash is ignored: its result was never promised. Files are named by session and locked
while their process lives, so only the dead are replayed.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from distributedjob.services.results import Result

PATTERN = "journal-*.jsonl"


class Journal:
    """The journal of one session. Blocking; callers use a thread."""

    def __init__(self, directory: Path, *, session: int) -> None:
        self.path = directory / f"journal-{session}.jsonl"
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    @property
    def size(self) -> int:
        """Bytes that wait for the database."""
        return os.fstat(self._file).st_size

    def append(self, results: Sequence[Result]) -> None:
        """Write and sync; raises OSError when the disk refuses."""
        lines = b"".join(msgspec.json.encode(result) + b"\n" for result in results)
        written = os.write(self._file, lines)
        if written < len(lines):
            raise OSError(f"only {written} of {len(lines)} bytes fitted into {self.path}")
        os.fdatasync(self._file)

    def clear(self) -> None:
        """All of it is in the database now."""
        os.ftruncate(self._file, 0)

    def close(self) -> None:
        """Forget an empty journal; one with results stays for the next start."""
        if self.size == 0:
            self.path.unlink(missing_ok=True)
        os.close(self._file)


def find_orphans(directory: Path) -> Iterator[Path]:
    """Journals of processes that are gone. Each is locked by the caller's process from here on."""
    for path in sorted(directory.glob(PATTERN)):
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        try:
            yield path
        finally:
            os.close(handle)


def read_results(path: Path) -> list[Result]:
    """The results of a journal, oldest first."""
    results: list[Result] = []
    for line in path.read_bytes().splitlines():
        try:
            results.append(msgspec.json.decode(line, type=Result))
        except msgspec.DecodeError:
            continue
    return results
