"""After a fail-over the server's name leads to another address: it is resolved anew, and no old connection is used."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection

from distributedjob.store.errors import Contended, StoreUnavailable
from distributedjob.store.mysql import MysqlStore
from distributedjob.store.open import parse_url
from distributedjob.store.refusals import LOCK_WAIT
from rig.proxy import Proxy
from support.servers import DatabaseServer

NAME = "primary.db.example"


def one(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT 1").scalar_one())


class Names:
    """What the name means now: the port of one of two relays on this machine."""

    def __init__(self, *relays: Proxy) -> None:
        self.old, self.new = relays
        self.meant = self.old
        self.asked = 0

    async def resolve(self, host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        assert host == NAME
        self.asked += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", self.meant.port))]


@pytest.fixture
async def names(mariadb_server: DatabaseServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Names]:
    names = Names(*(Proxy(mariadb_server.host, mariadb_server.port) for _ in range(2)))
    for relay in (names.old, names.new):
        await relay.start()
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", names.resolve)
    yield names
    for relay in (names.old, names.new):
        await relay.heal()
        await relay.close()


@pytest.fixture
async def store(names: Names, mariadb_url: str) -> AsyncIterator[MysqlStore]:
    """With three connections through the old address."""
    url = parse_url(mariadb_url).set(host=NAME)
    store = MysqlStore(url, pool_size=3, connect_timeout=1, transaction_timeout=1)
    await asyncio.gather(*(store.read(one) for _ in range(3)))
    assert names.old.connections == 3
    yield store
    await store.close()


async def test_a_server_that_died_is_found_where_its_name_leads_now(names: Names, store: MysqlStore) -> None:
    names.meant = names.new
    await names.old.cut()
    with pytest.raises(StoreUnavailable):
        await store.read(one)
    assert await asyncio.gather(*(store.read(one) for _ in range(3))) == [1, 1, 1]
    assert (names.old.connections, names.new.connections) == (0, 3)


async def test_one_that_fell_silent_is_waited_for_once_not_once_per_connection(names: Names, store: MysqlStore) -> None:
    names.meant = names.new
    names.old.stall()
    with pytest.raises(StoreUnavailable):
        await store.read(one)
    assert await asyncio.gather(*(store.read(one) for _ in range(3))) == [1, 1, 1]
    assert names.new.connections == 3


async def test_one_that_was_demoted_is_left_though_it_still_answers(names: Names, store: MysqlStore) -> None:
    def refused(connection: Connection) -> None:
        connection.exec_driver_sql("SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1290, MESSAGE_TEXT = 'read-only'")

    names.meant = names.new
    with pytest.raises(StoreUnavailable, match="the database server is read-only"):
        await store.write(refused)
    assert await asyncio.gather(*(store.read(one) for _ in range(3))) == [1, 1, 1]
    assert (names.old.connections, names.new.connections) == (0, 3)


async def test_rows_that_others_hold_too_long_are_an_outage_that_says_so(mariadb_url: str) -> None:
    store = MysqlStore(parse_url(mariadb_url), pool_size=2)
    await store.write(lambda c: c.exec_driver_sql("CREATE TABLE word (id INTEGER PRIMARY KEY)") and None)
    await store.write(lambda c: c.exec_driver_sql("INSERT INTO word VALUES (1)") and None)
    holder = await store.connections._engine.connect().start()
    await holder.run_sync(lambda c: c.exec_driver_sql("SELECT id FROM word FOR UPDATE").all())

    def wanting(connection: Connection) -> None:
        connection.exec_driver_sql("SET innodb_lock_wait_timeout = 1")
        connection.exec_driver_sql("SELECT id FROM word FOR UPDATE")

    try:
        with pytest.raises(Contended, match="others held the rows"):
            await store.write(wanting)
    finally:
        await holder.close()
    assert store.retried == {LOCK_WAIT: 1}
    await store.close()


async def test_a_free_connection_that_had_to_be_waited_for_is_counted(mariadb_url: str) -> None:
    store = MysqlStore(parse_url(mariadb_url), pool_size=2)
    naps = [store.read(lambda c: c.exec_driver_sql("SELECT SLEEP(0.1)").all()) for _ in range(3)]
    used, waits = store.connections.used, store.connections.waits
    await asyncio.gather(*naps)
    assert (used, waits, store.connections.used, store.connections.waits) == (0, 0, 0, 1)
    await store.close()
