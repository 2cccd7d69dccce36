"""Connections that are killed, cut, frozen or given up in mid-query never answer the next question."""

import asyncio
from collections.abc import AsyncIterator

import asyncmy
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from distributedjob.store.errors import StoreUnavailable
from distributedjob.store.mysql import MysqlStore
from distributedjob.store.open import parse_url
from rig.proxy import Proxy
from support.servers import DatabaseServer
from support.waiting import until

SERVERS = ("mariadb", "mysql")


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> DatabaseServer:
    found: DatabaseServer = request.getfixturevalue(f"{request.param}_server")
    return found


@pytest.fixture
def url(request: pytest.FixtureRequest, server: DatabaseServer) -> str:
    found: str = request.getfixturevalue(f"{server.name}_url")
    return found


@pytest.fixture
async def store(url: str) -> AsyncIterator[MysqlStore]:
    store = MysqlStore(parse_url(url), pool_size=3)
    await store.write(make_table)
    yield store
    await store.close()


@pytest.fixture
async def proxy(server: DatabaseServer) -> AsyncIterator[Proxy]:
    proxy = Proxy(host=server.host, upstream=server.port)
    await proxy.start()
    yield proxy
    await proxy.close()


@pytest.fixture
async def relayed(store: MysqlStore, url: str, proxy: Proxy) -> AsyncIterator[MysqlStore]:
    """A store behind the proxy, on the same database, that waits one second for a silent server."""
    relayed = MysqlStore(parse_url(url).set(port=proxy.port), pool_size=3, connect_timeout=1, transaction_timeout=1)
    await relayed.read(one)
    yield relayed
    await proxy.heal()
    await relayed.close()


def make_table(connection: Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE word (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)")
    connection.exec_driver_sql("INSERT INTO word VALUES (1, 0), (2, 0)")


def one(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT 1").scalar_one())


def echo(store: MysqlStore, number: int) -> "asyncio.Task[int]":
    return asyncio.create_task(store.read(lambda c: int(c.execute(text("SELECT :n"), {"n": number}).scalar_one())))


def add(id_: int, *, pause: float = 0):
    def unit(connection: Connection) -> None:
        connection.execute(text("UPDATE word SET n = n + 1 WHERE id = :id"), {"id": id_})
        if pause:
            connection.exec_driver_sql(f"SELECT SLEEP({pause})")

    return unit


async def counts(store: MysqlStore) -> list[int]:
    return await store.read(lambda c: list(c.exec_driver_sql("SELECT n FROM word ORDER BY id").scalars()))


def connections(server: DatabaseServer, store: MysqlStore) -> list[int]:
    """The server's numbers of the connections to the store's database."""
    with server.connect() as connection, connection.cursor() as cursor:
        query = "SELECT id FROM information_schema.processlist WHERE db = %s"
        cursor.execute(query, (store._url.database,))
        return [row[0] for row in cursor.fetchall()]


def kill_all(server: DatabaseServer, store: MysqlStore) -> None:
    with server.connect() as connection, connection.cursor() as cursor:
        for number in connections(server, store):
            cursor.execute(f"KILL {number}")


async def test_a_cancelled_query_never_answers_the_next_question(store: MysqlStore) -> None:
    for number in range(60):
        task = echo(store, number)
        for _ in range(number % 7):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await echo(store, 1000 + number) == 1000 + number


async def test_a_cancelled_transaction_leaves_nothing_and_no_lock(store: MysqlStore) -> None:
    task = asyncio.create_task(store.write(add(1, pause=20)))
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await store.write(add(1))
    assert await counts(store) == [1, 0]


async def test_cancelling_leaves_no_connection_behind(store: MysqlStore, server: DatabaseServer) -> None:
    for _ in range(12):
        task = asyncio.create_task(store.write(add(1, pause=20)))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await until(lambda: len(connections(server, store)) <= 5)


async def test_connections_killed_at_rest_are_replaced(store: MysqlStore, server: DatabaseServer) -> None:
    await asyncio.gather(*(store.read(one) for _ in range(3)))
    kill_all(server, store)
    answers = await asyncio.gather(*(store.read(one) for _ in range(3)), return_exceptions=True)
    assert {type(answer) for answer in answers} <= {int, StoreUnavailable}
    assert [await store.read(one) for _ in range(5)] == [1] * 5


async def test_a_connection_killed_in_mid_query_is_an_outage(store: MysqlStore, server: DatabaseServer) -> None:
    task = asyncio.create_task(store.write(add(1, pause=20)))
    await asyncio.sleep(0.2)
    kill_all(server, store)
    with pytest.raises(StoreUnavailable):
        await task
    assert await counts(store) == [0, 0]


async def test_a_cut_network_is_an_outage_and_heals(relayed: MysqlStore, proxy: Proxy) -> None:
    await proxy.cut()
    for _ in range(4):
        with pytest.raises(StoreUnavailable):
            await relayed.write(add(1))
    await proxy.heal()
    await relayed.write(add(1))
    assert await counts(relayed) == [1, 0]


async def test_a_server_that_falls_silent_is_an_outage_within_the_time_set(relayed: MysqlStore, proxy: Proxy) -> None:
    proxy.stall()
    async with asyncio.timeout(8):
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await relayed.write(add(1))


async def test_a_server_that_speaks_again_is_used_again(relayed: MysqlStore, proxy: Proxy) -> None:
    proxy.stall()
    with pytest.raises(StoreUnavailable):
        await relayed.write(add(1))
    await proxy.heal()
    await relayed.write(add(2))
    assert (await counts(relayed))[1] == 1


async def test_a_commit_whose_answer_was_lost_is_an_outage_though_it_happened(
    relayed: MysqlStore, proxy: Proxy
) -> None:
    proxy.swallow_commits(1)
    with pytest.raises(StoreUnavailable):
        await relayed.write(add(1))
    assert await counts(relayed) == [1, 0]


async def test_a_deadlock_is_run_again(store: MysqlStore) -> None:
    begun: list[int] = []

    def unit(first: int, second: int):
        def run(connection: Connection) -> None:
            add(first)(connection)
            if first not in begun:
                begun.append(first)
                connection.exec_driver_sql("SELECT SLEEP(0.3)")
            add(second)(connection)

        return run

    await asyncio.gather(store.write(unit(1, 2)), store.write(unit(2, 1)))
    assert (await counts(store), store.retried[1213] >= 1) == ([2, 2], True)


async def test_a_fault_of_the_unit_itself_stays_what_it_is(store: MysqlStore) -> None:
    with pytest.raises(DBAPIError, match="nowhere"):
        await store.write(lambda c: c.exec_driver_sql("SELECT nowhere FROM word"))


async def test_a_matched_row_counts_though_it_did_not_change(store: MysqlStore) -> None:
    def unit(connection: Connection) -> int:
        return connection.exec_driver_sql("UPDATE word SET n = 0 WHERE id = 1").rowcount

    assert await store.write(unit) == 1


async def test_a_thread_without_a_loop_has_a_connection_of_its_own(store: MysqlStore) -> None:
    def work() -> None:
        blocking = store.blocking()
        try:
            blocking.write(add(1), timeout=5)
        finally:
            blocking.close()

    await asyncio.to_thread(work)
    assert await counts(store) == [1, 0]


async def test_a_thread_does_not_wait_longer_than_it_said(store: MysqlStore) -> None:
    def work() -> None:
        blocking = store.blocking()
        try:
            blocking.write(add(1, pause=20), timeout=0.3)
        finally:
            blocking.close()

    async with asyncio.timeout(5):
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(work)


async def test_a_connection_that_is_dropped_while_it_is_made_is_an_outage(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a balancer whose servers are all away: on a busy loop the driver finds no socket any more, and says so in
    its own way."""

    async def stumble(**_: object) -> None:
        raise RuntimeError("Transport does not expose socket instance")

    monkeypatch.setattr(asyncmy, "connect", stumble)
    store = MysqlStore(parse_url(url), pool_size=3)
    with pytest.raises(StoreUnavailable):
        await store.read(one)
    await store.close()
