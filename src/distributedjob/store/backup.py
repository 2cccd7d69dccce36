"""Copies of an SQLite database, taken while the program runs, and the way back from one.

A copy is one consistent moment: SQLite's own backup reads it as a single snapshot, and writers go on meanwhile.
It appears under its name only when it is complete and on the disk.
"""

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from distributedjob.model.errors import Conflict, Invalid, NotFound
from distributedjob.store.errors import StoreUnavailable

SIDE_FILES = ("-wal", "-shm")


def back_up(database: Path, *, into: Path, label: str = "backup") -> Path:
    """Copy `database` into the folder `into` under a name with `label` and the time; returns the copy's path."""
    into.mkdir(parents=True, exist_ok=True)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    return copy_database(database, target=into / f"{database.stem}-{label}-{moment}.db")


def copy_database(database: Path, *, target: Path) -> Path:
    """Copy `database` to the new file `target`. Raises NotFound, Conflict (the target exists), StoreUnavailable."""
    if not database.exists():
        raise NotFound(f"there is no database at {database}")
    if target.exists():
        raise Conflict(f"{target} exists already; name a file that does not")
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        _copy(database, unfinished)
        _flush(unfinished)
        unfinished.replace(target)
        _flush(target.parent)
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(f"cannot copy {database} to {target}: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def restore(copy: Path, *, database: Path) -> Path | None:
    """Put `copy` in the place of `database`, which nobody may have open; returns where the former one went.

    Raises NotFound, Invalid (not a whole copy of ours), StoreUnavailable (the former database cannot be moved).
    """
    check_copy(copy)
    database.parent.mkdir(parents=True, exist_ok=True)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    incoming = database.with_name(f".{database.name}.{moment}.incoming")
    copy_database(copy, target=incoming)
    former = _set_aside(database, moment) if database.exists() else None
    incoming.replace(database)
    _flush(database.parent)
    return former


def check_copy(copy: Path) -> None:
    """Raise NotFound or Invalid unless `copy` is a whole SQLite database with our schema in it."""
    if not copy.is_file():
        raise NotFound(f"there is no file {copy}")
    try:
        with closing(sqlite3.connect(f"{copy.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            known = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'").fetchone()[
                0
            ]
    except sqlite3.Error as error:
        raise Invalid.one("file", f"{copy} cannot be read as an SQLite database: {error}") from error
    if verdict != "ok":
        raise Invalid.one("file", f"{copy} is damaged: {verdict}")
    if not known:
        raise Invalid.one("file", f"{copy} is not a backup made by 'distributedjob backup'")


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as origin:
        origin.execute("PRAGMA busy_timeout=5000")
        with closing(sqlite3.connect(target)) as destination:
            origin.backup(destination)
            # A copy of a WAL database would want side files beside it; as one file it can be moved anywhere.
            destination.execute("PRAGMA journal_mode=DELETE")


def _set_aside(database: Path, moment: str) -> Path:
    """Rename the database with its side files: a write-ahead log left behind would be played into the new one."""
    former = database.with_name(f"{database.stem}-before-restore-{moment}{database.suffix}")
    try:
        for suffix in (*SIDE_FILES, ""):
            path = database.with_name(database.name + suffix)
            if path.exists():
                path.replace(former.with_name(former.name + suffix))
    except OSError as error:
        raise StoreUnavailable(f"cannot move {database} aside: {error}") from error
    return former


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
