"""SQLite: one writer thread with group commit, a few reader threads.

Everything that waits for the writer is run in one transaction, each unit in a savepoint of its own, and
committed by one fsync: under load the batches grow by themselves, an idle system commits at once. The
standard library's driver runs in threads of ours, one hop per transaction (an async wrapper hops per
statement, and each hop waits for the interpreter lock).
"""

import asyncio
import queue
import sqlite3
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from distributedjob.runtime import crash
from distributedjob.store.errors import StoreUnavailable
from distributedjob.store.hot.dialect import SqliteDialect
from distributedjob.store.hot.statements import HotStatements
from distributedjob.store.port import Unit

T = TypeVar("T")

READERS = 4
GROUP = 64


@dataclass(slots=True)
class _Job:
    unit: Unit[Any]
    future: "Future[Any]" = field(default_factory=Future)
    answer: Any = None
    error: BaseException | None = None


class SqliteStore:
    """One file, one process, one writer. See the module's text for why there are threads."""

    def __init__(self, path: str) -> None:
        self.hot = HotStatements(SqliteDialect())
        self._engine = _engine(path)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")
        self._writer = threading.Thread(target=self._write_jobs, name="store-write", daemon=True)
        self._writer.start()

    async def write(self, unit: Unit[T]) -> T:
        job = _Job(unit)
        self._jobs.put(job)
        return cast("T", await asyncio.wrap_future(job.future))

    def blocking(self) -> "BlockingSqlite":
        """For a thread without an event loop (heartbeats)."""
        return BlockingSqlite(self._jobs)

    async def read(self, unit: Unit[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, unit)

    async def close(self) -> None:
        self._jobs.put(None)
        await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()
        self._engine.dispose()

    def _read(self, unit: Unit[T]) -> T:
        try:
            with self._engine.connect() as connection:
                return unit(connection)
        except DBAPIError as error:
            raise translate(error) from error

    def _write_jobs(self) -> None:
        connection: Connection | None = None
        while (first := self._jobs.get()) is not None:
            jobs = [first, *self._waiting_jobs()]
            try:
                connection = connection or self._engine.connect()
                self._commit(connection, jobs)
            except DBAPIError as error:
                _discard(connection)
                connection = None
                _fail(jobs, translate(error))
            for job in jobs:
                _resolve(job)
        if connection is not None:
            connection.close()

    def _waiting_jobs(self) -> list[_Job]:
        jobs: list[_Job] = []
        while len(jobs) < GROUP and not self._jobs.empty():
            job = self._jobs.get()
            if job is None:
                self._jobs.put(None)
                break
            jobs.append(job)
        return jobs

    def _commit(self, connection: Connection, jobs: list[_Job]) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        for job in jobs:
            _run(connection, job)
        crash.reached("before_commit")
        connection.exec_driver_sql("COMMIT")
        crash.reached("after_commit")


class BlockingSqlite:
    """Waits for the same writer thread as everybody else."""

    def __init__(self, jobs: "queue.SimpleQueue[_Job | None]") -> None:
        self._jobs = jobs

    def write(self, unit: Unit[T], *, timeout: float) -> T:
        """Run `unit` in one transaction; raises TimeoutError after `timeout` seconds."""
        job = _Job(unit)
        self._jobs.put(job)
        return cast("T", job.future.result(timeout))

    def close(self) -> None:
        """Nothing of its own to let go of."""


def _run(connection: Connection, job: _Job) -> None:
    """A unit that fails undoes its own part only; the rest of the group goes on."""
    connection.exec_driver_sql("SAVEPOINT unit")
    try:
        job.answer = job.unit(connection)
    except Exception as error:  # noqa: BLE001 - handed to whoever asked
        job.error = translate(error) if isinstance(error, DBAPIError) else error
        connection.exec_driver_sql("ROLLBACK TO unit")
    connection.exec_driver_sql("RELEASE unit")


def _resolve(job: _Job) -> None:
    if not job.future.set_running_or_notify_cancel():
        return
    if job.error is not None:
        job.future.set_exception(job.error)
    else:
        job.future.set_result(job.answer)


def _fail(jobs: list[_Job], error: Exception) -> None:
    for job in jobs:
        job.error = job.error or error


def _discard(connection: Connection | None) -> None:
    if connection is not None:
        connection.invalidate()
        connection.close()


def translate(error: DBAPIError) -> Exception:
    """Locked, full, unreadable or vanished files are an outage; anything else is a bug and stays what it is."""
    if isinstance(error.orig, sqlite3.OperationalError):
        return StoreUnavailable(f"the SQLite database cannot be used now: {error.orig}")
    return error


def _engine(path: str) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool,
        pool_size=READERS + 1,
        isolation_level="AUTOCOMMIT",
        connect_args={"check_same_thread": False, "timeout": 5.0, "cached_statements": 256},
    )
    event.listen(engine, "connect", _pragmas)
    return engine


def _pragmas(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY", "cache_size=-65536"):
        connection.execute(f"PRAGMA {pragma}")
