"""The hot statements touch the rows they are about and wait for no others."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import insert

from distributedjob.store.mysql import MysqlStore
from distributedjob.store.open import parse_url
from distributedjob.store.tables import gate_entry, metadata

MINE, OTHERS = 1, 2


@pytest.fixture(params=["mariadb_url", "mysql_url"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[MysqlStore]:
    store = MysqlStore(parse_url(request.getfixturevalue(request.param)), pool_size=3)
    await store.write(lambda c: metadata.create_all(c, tables=[gate_entry]))
    rows = [{"execution_id": id_, "task_id": 9, "waiting": False} for id_ in (MINE, OTHERS)]
    await store.write(lambda c: c.execute(insert(gate_entry), rows) and None)
    yield store
    await store.close()


async def test_leaving_a_gate_does_not_wait_for_the_entries_of_others(store: MysqlStore) -> None:
    first, second = await store._engine.connect(), await store._engine.connect()
    try:
        assert await first.run_sync(lambda c: store.hot.leave_gates(c, [OTHERS])) == 1
        async with asyncio.timeout(2.0):
            assert await second.run_sync(lambda c: store.hot.leave_gates(c, [MINE])) == 1
    finally:
        await first.close()
        await second.close()
