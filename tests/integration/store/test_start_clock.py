"""A node starts on the database's clock, however long it took to reach it."""

from collections.abc import AsyncIterator

import pytest

from distributedjob.resources import synchronise
from distributedjob.runtime.clock import Clock, wall_micros
from distributedjob.store.mysql import MysqlStore
from distributedjob.store.open import parse_url
from rig.proxy import Proxy
from support.servers import DatabaseServer

DELAY_SECONDS = 0.03
"""Each way, for each packet. Opening a connection takes several round trips, a reading one."""

TOLERANCE = 20_000
"""µs; the server and this test share a machine and its clock."""


@pytest.fixture
async def far_store(mariadb_server: DatabaseServer, mariadb_url: str) -> AsyncIterator[MysqlStore]:
    """A store without an open connection, on a server far away."""
    proxy = Proxy(host=mariadb_server.host, upstream=mariadb_server.port, delay_seconds=DELAY_SECONDS)
    await proxy.start()
    store = MysqlStore(parse_url(mariadb_url).set(port=proxy.port), pool_size=1)
    yield store
    await store.close()
    await proxy.close()


async def test_the_way_to_the_first_connection_does_not_bend_the_clock(far_store: MysqlStore) -> None:
    clock = Clock(offset=0)
    await synchronise(clock, far_store)
    assert clock.now() == pytest.approx(wall_micros(), abs=TOLERANCE)
