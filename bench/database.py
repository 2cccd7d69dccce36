"""Empty databases to measure on: a file in a folder of its own, or a schema on the checkout's MariaDB.

Rows are written here directly, past the API: ten thousand tasks by hand would take longer than the measurement.
"""

import contextlib
import re
import secrets
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pymysql

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "bench"
SERVICES = ROOT / "scripts" / "services"
SQLITE_FILE = "distributedjob.db"
CHUNK = 2_000


class Writer(Protocol):
    """What a loader needs of a connection."""

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Add rows in chunks; they are kept when the writer closes."""

    def execute(self, statement: str) -> list[tuple[Any, ...]]: ...


@dataclass(frozen=True, slots=True)
class Database:
    """`url` is what the program is told; None means SQLite in `folder`."""

    name: str
    folder: Path
    url: str | None = None

    @contextlib.contextmanager
    def open_writer(self) -> Iterator[Writer]:
        if self.url is None:
            with contextlib.closing(sqlite3.connect(self.folder / SQLITE_FILE)) as connection:
                for pragma in ("journal_mode=WAL", "synchronous=OFF", "cache_size=-262144", "temp_store=MEMORY"):
                    connection.execute(f"PRAGMA {pragma}")
                yield SqliteWriter(connection)
                connection.commit()
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            with contextlib.closing(_connect(self.url)) as connection:
                yield MysqlWriter(connection)
                connection.commit()


class SqliteWriter:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
        self._connection.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement).fetchall()


class MysqlWriter:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        names, marks = ", ".join(f"`{name}`" for name in columns), ", ".join(["%s"] * len(columns))
        with self._connection.cursor() as cursor:
            for chunk in _chunks(rows):
                cursor.executemany(f"INSERT INTO `{table}` ({names}) VALUES ({marks})", chunk)

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A folder on the disk that the figures are about (not a memory file system), removed at the end."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=FOLDER))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def open_sqlite() -> Iterator[Database]:
    with open_folder() as folder:
        yield Database("SQLite", folder)


@contextlib.contextmanager
def open_mariadb() -> Iterator[Database]:
    """A fresh schema on the MariaDB that `scripts/services` starts; dropped at the end."""
    subprocess.run([SERVICES, "up", "mariadb"], check=True, stdout=subprocess.DEVNULL, timeout=600)
    address = subprocess.run([SERVICES, "url", "mariadb"], check=True, capture_output=True, text=True).stdout.strip()
    name = f"dj_{secrets.token_hex(6)}"
    with contextlib.closing(_connect(f"mysql://{address}/")) as connection, connection.cursor() as cursor:
        _require_durable_commits(cursor)
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        try:
            with open_folder() as folder:
                yield Database("MariaDB", folder, f"mysql+asyncmy://{address}/{name}")
        finally:
            connection.ping(reconnect=True)
            cursor.execute(f"DROP DATABASE {name}")


def _require_durable_commits(cursor: Any) -> None:
    cursor.execute("SELECT @@innodb_flush_log_at_trx_commit")
    if cursor.fetchone()[0] != 1:
        raise RuntimeError("MariaDB must run with innodb_flush_log_at_trx_commit=1: else its figures mean nothing")


def _connect(url: str) -> Any:
    parts = re.fullmatch(r"[a-z+]+://(\w+):([^@]+)@([\d.]+):(\d+)/(\w*)", url)
    assert parts is not None, url
    user, password, host, port, name = parts.groups()
    return pymysql.connect(
        host=host, port=int(port), user=user, password=password, database=name or None, connect_timeout=10
    )


def _chunks(rows: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    chunk: list[Sequence[Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
