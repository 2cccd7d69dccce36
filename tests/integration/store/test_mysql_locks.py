"""The hot statements touch the rows they are about and wait for no others."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection, insert
from sqlalchemy.exc import DBAPIError

from distributedjob.store.mysql import MysqlStore
from distributedjob.store.open import parse_url
from distributedjob.store.tables import gate_entry, metadata

MINE, OTHERS = 1, 2


@pytest.fixture(params=["mariadb_url", "mysql_url"])
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(request.param)
    return found


def connection_id(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar_one())


@pytest.fixture
async def store(url: str) -> AsyncIterator[MysqlStore]:
    store = MysqlStore(parse_url(url), pool_size=3)
    await store.write(lambda c: metadata.create_all(c, tables=[gate_entry]))
    rows = [{"execution_id": id_, "task_id": 9, "waiting": False} for id_ in (MINE, OTHERS)]
    await store.write(lambda c: c.execute(insert(gate_entry), rows) and None)
    yield store
    await store.close()


async def test_a_beat_that_stops_halfway_holds_no_lock(mariadb_url: str) -> None:
    """As when the node freezes after its UPDATE: the others must still be able to write to its row."""
    store = MysqlStore(parse_url(mariadb_url), pool_size=2)
    await store.write(lambda c: c.exec_driver_sql("CREATE TABLE word (id INTEGER PRIMARY KEY, n INTEGER)") and None)
    await store.write(lambda c: c.exec_driver_sql("INSERT INTO word VALUES (1, 0)") and None)
    halfway, over = threading.Event(), threading.Event()

    def beat(connection: Connection) -> None:
        connection.exec_driver_sql("UPDATE word SET n = n + 1")
        halfway.set()
        over.wait(10)

    def live() -> None:
        writer = store.blocking()
        writer.write(beat, timeout=10)
        writer.close()

    thread = threading.Thread(target=live)
    thread.start()
    try:
        assert await asyncio.to_thread(halfway.wait, 10)
        async with asyncio.timeout(2.0):
            await store.write(lambda c: c.exec_driver_sql("UPDATE word SET n = n + 1") and None)
    finally:
        over.set()
        await asyncio.to_thread(thread.join)
        await store.close()


async def test_a_transaction_that_falls_silent_loses_its_locks(url: str) -> None:
    """As when its node freezes, or the network swallows its packets: MySQL would keep them for eight hours."""
    frozen, other = (MysqlStore(parse_url(url), pool_size=1, idle_seconds=2) for _ in range(2))
    await other.write(lambda c: c.exec_driver_sql("CREATE TABLE word (id INTEGER PRIMARY KEY, n INTEGER)") and None)
    await other.write(lambda c: c.exec_driver_sql("INSERT INTO word VALUES (1, 0)") and None)
    silent = await frozen.connections._engine.connect().start()
    try:
        await silent.run_sync(lambda c: c.exec_driver_sql("SELECT n FROM word WHERE id = 1 FOR UPDATE").all())
        async with asyncio.timeout(4.0):
            await other.write(lambda c: c.exec_driver_sql("UPDATE word SET n = 1") and None)
        with pytest.raises(DBAPIError):
            await silent.run_sync(lambda c: c.exec_driver_sql("UPDATE word SET n = 2") and None)
    finally:
        await silent.close()
        await frozen.close()
        await other.close()


async def test_a_connection_that_rested_too_long_is_replaced_before_its_next_use(url: str) -> None:
    store = MysqlStore(parse_url(url), pool_size=1, idle_seconds=1)
    first = await store.read(connection_id)
    again = await store.read(connection_id)
    await asyncio.sleep(0.6)
    assert (again, await store.read(connection_id) == first) == (first, False)
    await store.close()


async def test_leaving_a_gate_does_not_wait_for_the_entries_of_others(store: MysqlStore) -> None:
    first, second = await store.connections._engine.connect().start(), await store.connections._engine.connect().start()
    try:
        assert await first.run_sync(lambda c: store.hot.leave_gates(c, [OTHERS])) == 1
        async with asyncio.timeout(2.0):
            assert await second.run_sync(lambda c: store.hot.leave_gates(c, [MINE])) == 1
    finally:
        await first.close()
        await second.close()
