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
        self._closed = False
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")
        self._writer = threading.Thread(target=self._write_jobs, name="store-write", daemon=True)
        self._writer.start()

    async def write(self, unit: Unit[T]) -> T:
        return cast("T", await asyncio.wrap_future(self.ask(unit)))

    def ask(self, unit: Unit[Any]) -> "Future[Any]":
        """Queue a unit for the writer; usable in any thread."""
        job = _Job(unit)
        self._jobs.put(job)
        if self._closed:
            self._refuse_jobs()  # the writer may have gone before it saw this one
        return job.future

    def blocking(self) -> "BlockingSqlite":
        """For a thread without an event loop (heartbeats)."""
        return BlockingSqlite(self)

    async def read(self, unit: Unit[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, unit)

    async def close(self) -> None:
        """Write what was asked for by now, then let go of the file."""
        self._jobs.put(None)
        await asyncio.to_thread(self._writer.join)
        self._closed = True
        self._refuse_jobs()
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
            jobs = self._group(first)
            try:
                connection = connection or self._engine.connect()
                _commit(connection, jobs)
            except Exception as error:  # noqa: BLE001 - the writer outlives whatever befalls one transaction
                _discard(connection)
                connection = None
                _fail(jobs, error)
            for job in jobs:
                _resolve(job)
        if connection is not None:
            connection.close()

    def _group(self, first: _Job) -> list[_Job]:
        """What waits for the writer, without those whose askers have gone: what is not begun need not be done."""
        jobs = [first]
        while len(jobs) < GROUP and not self._jobs.empty():
            job = self._jobs.get()
            if job is None:
                self._jobs.put(None)
                break
            jobs.append(job)
        return [job for job in jobs if job.future.set_running_or_notify_cancel()]

    def _refuse_jobs(self) -> None:
        while not self._jobs.empty():
            job = self._jobs.get()
            if job is not None and job.future.set_running_or_notify_cancel():
                job.future.set_exception(StoreUnavailable("the database is closed"))


def _commit(connection: Connection, jobs: list[_Job]) -> None:
    if not jobs:
        return
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    for job in jobs:
        _run(connection, job)
    crash.reached("before_commit")
    connection.exec_driver_sql("COMMIT")
    crash.reached("after_commit")


class BlockingSqlite:
    """Waits for the same writer thread as everybody else."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def write(self, unit: Unit[T], *, timeout: float) -> T:
        """Run `unit` in one transaction; raises TimeoutError after `timeout` seconds."""
        asked = self._store.ask(unit)
        try:
            return cast("T", asked.result(timeout))
        finally:
            asked.cancel()  # a word that comes too late is not worth the wait; one that is over cannot be cancelled

    def close(self) -> None:
        """Nothing of its own to let go of."""


def _run(connection: Connection, job: _Job) -> None:
    """A unit that fails undoes its own part only; the rest of the group goes on."""
    connection.exec_driver_sql("SAVEPOINT unit")
    try:
        job.answer = job.unit(connection)
    except Exception as error:  # noqa: BLE001 - handed to whoever asked
        job.error = translate(error) if isinstance(error, DBAPIError) else error
        # A full or broken disk has rolled everything back by now; then this fails, and with it the group.
        connection.exec_driver_sql("ROLLBACK TO unit")
    connection.exec_driver_sql("RELEASE unit")


def _resolve(job: _Job) -> None:
    if job.error is not None:
        job.future.set_exception(job.error)
    else:
        job.future.set_result(job.answer)


def _fail(jobs: list[_Job], error: Exception) -> None:
    """The transaction itself failed: none of the group happened, whatever each unit thought of its own part."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    for job in jobs:
        if job.error is None:
            job.error = StoreUnavailable(f"the SQLite database cannot be used now: {cause}")


def _discard(connection: Connection | None) -> None:
    if connection is not None:
        connection.invalidate()
        connection.close()


def translate(error: DBAPIError) -> Exception:
    """Locked, full, unreadable or vanished files are an outage; a statement that makes no sense is a bug and stays
    what it is."""
    cause = error.orig
    if isinstance(cause, sqlite3.OperationalError) and _code_of(cause) != sqlite3.SQLITE_ERROR:
        return StoreUnavailable(f"the SQLite database cannot be used now: {cause}")
    return error


def _code_of(error: sqlite3.OperationalError) -> int:
    """The primary result code; the driver's own errors carry none."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


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
