"""The one writer of SQLite: many units, one commit, and no unit's fault becomes another's."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError

from distributedjob.store.errors import StoreUnavailable
from distributedjob.store.sqlite import SqliteStore
from support.waiting import until

Unit = Callable[[Connection], int]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(str(tmp_path / "data.db"))
    await store.write(lambda c: c.exec_driver_sql("CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT)"))
    yield store
    await store.close()


def adding(id_: int, text: str = "x") -> Unit:
    def unit(connection: Connection) -> int:
        connection.exec_driver_sql("INSERT INTO word VALUES (?, ?)", (id_, text))
        return id_

    return unit


def failing(connection: Connection) -> int:
    connection.exec_driver_sql("INSERT INTO word VALUES (100, 'x')")
    raise LookupError("a unit's own trouble")


async def words(store: SqliteStore) -> list[int]:
    return await store.read(lambda c: list(c.exec_driver_sql("SELECT id FROM word ORDER BY id").scalars()))


class Held:
    """The writer kept busy, so that what is asked meanwhile forms one group."""

    def __init__(self, store: SqliteStore) -> None:
        self._go, self._store = threading.Event(), store
        self.entered = threading.Event()

    def _wait(self, _connection: Connection) -> None:
        self.entered.set()
        assert self._go.wait(10)

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._store.write(self._wait))
        await until(self.entered.is_set)

    async def __aexit__(self, *_: object) -> None:
        self._go.set()
        await self._task


async def grouped(store: SqliteStore, *units: Unit) -> list[object]:
    """The answers, or the errors, of units that are written as one group."""
    async with Held(store):
        tasks = [asyncio.create_task(store.write(unit)) for unit in units]
        await asyncio.sleep(0)
    return await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def commits(store: SqliteStore) -> list[str]:
    """The COMMITs of the store so far."""
    seen: list[str] = []

    @event.listens_for(store._engine, "before_cursor_execute")
    def note(_connection, _cursor, statement: str, *_rest: object) -> None:
        seen.extend([statement] if statement == "COMMIT" else [])

    return seen


async def test_a_unit_returns_what_it_found(store: SqliteStore) -> None:
    assert (await store.write(adding(1)), await words(store)) == (1, [1])


async def test_what_waits_together_is_committed_together(store: SqliteStore, commits: list[str]) -> None:
    await grouped(store, *(adding(n) for n in range(20)))
    assert (len(await words(store)), len(commits)) == (20, 2)  # the holder's own, and one for all


async def test_a_unit_that_raises_undoes_only_itself(store: SqliteStore) -> None:
    first, second, third = await grouped(store, adding(1), failing, adding(3))
    assert (first, type(second), third, await words(store)) == (1, LookupError, 3, [1, 3])


async def test_a_duplicate_key_is_only_the_fault_of_its_unit(store: SqliteStore) -> None:
    first, second, third = await grouped(store, adding(1), adding(1), adding(3))
    assert (first, isinstance(second, DBAPIError), third) == (1, True, 3)


async def test_a_group_whose_commit_fails_is_told_so_to_everybody(store: SqliteStore) -> None:
    def breaking(connection: Connection) -> int:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        connection.exec_driver_sql("INSERT INTO child VALUES (7)")
        return 7

    await store.write(lambda c: c.exec_driver_sql("CREATE TABLE child (word INTEGER REFERENCES word (id) DEFERRABLE)"))
    answers = await grouped(store, adding(1), breaking, adding(3))
    assert ([type(answer) for answer in answers], await words(store)) == ([StoreUnavailable] * 3, [])


async def test_the_writer_goes_on_after_a_commit_that_failed(store: SqliteStore) -> None:
    await test_a_group_whose_commit_fails_is_told_so_to_everybody(store)
    await store.write(adding(5))
    assert await words(store) == [5]


async def test_a_full_disk_is_an_outage_and_nothing_of_the_group_happened(store: SqliteStore) -> None:
    await store.write(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 40"))
    answers = await grouped(store, adding(1), adding(2, "x" * 1_000_000), adding(3))
    assert ([type(answer) for answer in answers], await words(store)) == ([StoreUnavailable] * 3, [])


async def test_the_writer_goes_on_when_a_full_disk_has_room_again(store: SqliteStore) -> None:
    await test_a_full_disk_is_an_outage_and_nothing_of_the_group_happened(store)
    await store.write(adding(2, "x" * 1_000_000))  # the limit went with the connection that had it
    assert await words(store) == [2]


async def test_a_file_that_somebody_else_has_locked_is_an_outage(store: SqliteStore, tmp_path: Path) -> None:
    await store.write(lambda c: c.exec_driver_sql("PRAGMA busy_timeout = 20"))
    other = sqlite3.connect(tmp_path / "data.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await store.write(adding(1))
    other.close()
    assert await store.write(adding(2)) == 2


async def test_a_statement_that_makes_no_sense_is_no_outage(store: SqliteStore) -> None:
    with pytest.raises(DBAPIError, match="nowhere"):
        await store.write(lambda c: c.exec_driver_sql("SELECT nowhere FROM word"))


async def test_a_unit_whose_asker_has_gone_is_not_begun(store: SqliteStore) -> None:
    async with Held(store):
        task = asyncio.create_task(store.write(adding(1)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await store.write(adding(2))
    assert await words(store) == [2]


async def test_a_unit_that_was_begun_ends_although_its_asker_has_gone(store: SqliteStore) -> None:
    begun, go = threading.Event(), threading.Event()

    def unit(connection: Connection) -> int:
        begun.set()
        assert go.wait(10)
        return adding(1)(connection)

    task = asyncio.create_task(store.write(unit))
    await until(begun.is_set)
    task.cancel()
    go.set()
    await asyncio.gather(task, return_exceptions=True)
    assert (await store.write(adding(2)), await words(store)) == (2, [1, 2])


async def test_closing_writes_what_was_asked_before(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "data.db"))
    await store.write(lambda c: c.exec_driver_sql("CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT)"))
    async with Held(store):
        tasks = [asyncio.create_task(store.write(adding(n))) for n in range(200)]
        await asyncio.sleep(0)
        closing = asyncio.create_task(store.close())
        await asyncio.sleep(0)
    await closing
    assert await asyncio.gather(*tasks) == list(range(200))


async def test_a_closed_store_refuses_instead_of_hanging(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "data.db"))
    await store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.write(adding(1))


async def test_a_thread_without_a_loop_writes_through_the_same_writer(store: SqliteStore) -> None:
    blocking = store.blocking()
    assert await asyncio.to_thread(lambda: blocking.write(adding(1), timeout=5)) == 1


async def test_a_thread_that_waited_in_vain_leaves_nothing_behind(store: SqliteStore) -> None:
    blocking = store.blocking()
    async with Held(store):
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(lambda: blocking.write(adding(1), timeout=0.05))
    await store.write(adding(2))
    assert await words(store) == [2]


async def test_a_reader_sees_no_half_of_a_group(store: SqliteStore) -> None:
    seen: list[list[int]] = []

    def unit(connection: Connection) -> int:
        adding(1)(connection)
        seen.append(asyncio.run_coroutine_threadsafe(words(store), loop).result(10))
        return adding(2)(connection)

    loop = asyncio.get_running_loop()
    await store.write(unit)
    assert (seen, await words(store)) == ([[]], [1, 2])
