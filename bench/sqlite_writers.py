"""What a transaction on SQLite costs: the program's own writer thread, and aiosqlite under SQLAlchemy's async engine.

`python -m bench.sqlite_writers FOLDER [--seconds N] [--rounds N]`, with FOLDER on the disk in question. Both run the
same units of work with the same pragmas, fsync at each commit; the pairs take turns, so that a busy machine is unfair
to both alike. aiosqlite is no dependency; where it is not installed the table says so.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from distributedjob.app import SWITCH_SECONDS
from distributedjob.store.port import Connection, Unit
from distributedjob.store.sqlite import SqliteStore

TABLE = "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, words TEXT)"
INSERT = "INSERT INTO t SELECT value ->> 0, 1, 'some words of text' FROM json_each(?)"
UPDATE = "UPDATE t SET a = a + 1 WHERE id IN (SELECT value ->> 0 FROM json_each(?))"
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "temp_store=MEMORY", "cache_size=-65536")
Write = Callable[[Unit[Any]], Awaitable[Any]]

_ids = count(1)


def insert(connection: Connection, *, rows: int) -> None:
    connection.exec_driver_sql(INSERT, (json.dumps([[next(_ids)] for _ in range(rows)]),))


def insert_and_update(connection: Connection, *, rows: int) -> None:
    """Four statements: about what a batch of results writes."""
    keys = json.dumps([[next(_ids)] for _ in range(rows)])
    for statement in (INSERT, UPDATE, UPDATE, UPDATE):
        connection.exec_driver_sql(statement, (keys,))


LOADS: dict[str, tuple[Unit[None], int]] = {
    "1 row, 1 asker": (partial(insert, rows=1), 1),
    "1 row, 64 askers": (partial(insert, rows=1), 64),
    "200 rows, 1 statement, 1 asker": (partial(insert, rows=200), 1),
    "200 rows, 4 statements, 1 asker": (partial(insert_and_update, rows=200), 1),
}


@asynccontextmanager
async def open_ours(path: Path) -> Any:
    store = SqliteStore(str(path))
    yield store.write
    await store.close()


@asynccontextmanager
async def open_aiosqlite(path: Path) -> Any:
    from sqlalchemy import event  # noqa: PLC0415
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415

    engine = create_async_engine(f"sqlite+aiosqlite:///{path}", pool_size=1, max_overflow=0)

    @event.listens_for(engine.sync_engine, "connect")
    def _set_pragmas(connection: Any, _record: object) -> None:
        for pragma in PRAGMAS:
            connection.cursor().execute(f"PRAGMA {pragma}")

    async def write(unit: Unit[Any]) -> Any:
        async with engine.begin() as connection:
            return await connection.run_sync(unit)

    yield write
    await engine.dispose()


async def measure(write: Write, unit: Unit[None], *, askers: int, seconds: float) -> tuple[float, float]:
    """(transactions per second, CPU microseconds of this process per transaction)."""
    done, end = 0, time.perf_counter() + seconds

    async def ask() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await write(unit)
            done += 1

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(ask() for _ in range(askers)))
    return done / (time.perf_counter() - began), (time.process_time() - cpu) * 1e6 / done


async def main(folder: Path, *, seconds: float, rounds: int) -> None:
    sys.setswitchinterval(SWITCH_SECONDS)
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for name, opened in {"own writer thread": open_ours, "aiosqlite": open_aiosqlite}.items():
            with tempfile.TemporaryDirectory(dir=folder) as place:
                async with opened(Path(place) / "bench.db") as write:
                    await write(lambda connection: connection.exec_driver_sql(TABLE))
                    for load, (unit, askers) in LOADS.items():
                        result = await measure(write, unit, askers=askers, seconds=seconds)
                        found.setdefault((load, name), []).append(result)
    for (load, name), results in sorted(found.items()):
        rate, cpu = (median(column) for column in zip(*results, strict=True))
        print(f"{load:34} {name:18} {rate:8.0f} /s {cpu:8.0f} µs CPU")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    try:
        uvloop.run(main(options.folder, seconds=options.seconds, rounds=options.rounds))
    except ModuleNotFoundError as error:
        sys.exit(f"{error.name} is not installed: pip install {error.name}")
