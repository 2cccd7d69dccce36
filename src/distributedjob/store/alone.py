"""One process per SQLite file: whoever works on it holds a lock beside it, and one in its data folder.

Two locks, since a file may be named in full: two data folders may then mean one file, and one folder two files, whose
journals must not be replayed into each other.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from distributedjob.runtime.lockfile import LockFile
from distributedjob.store.schema import sqlite_path


@contextmanager
def alone(url: str, *, data_dir: Path) -> Iterator[None]:
    """Hold the locks; for a server there are none. Raises AlreadyRunning."""
    database = sqlite_path(url)
    if database is None:
        yield
        return
    file = database.resolve()
    with ExitStack() as held:
        held.callback(LockFile(data_dir / "lock").release)
        if file.parent.is_dir():
            held.callback(LockFile(file.with_name(f"{file.name}.lock")).release)
        yield
