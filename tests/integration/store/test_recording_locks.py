"""Recording meets rows that somebody else holds: a node that froze in a transaction, or a verb at work on a task."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from distributedjob.services.recording import record_free
from distributedjob.store.mysql import MysqlStore
from support.office import NOON, Office, every, open_office


@pytest.fixture(params=["mariadb_url", "mysql_url"])
async def office(request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    office = await open_office(request.getfixturevalue(request.param))
    yield office
    await office.store.close()


async def test_a_schedule_that_somebody_holds_does_not_hold_up_the_others(office: Office) -> None:
    await office.add_task(every(60, id_=5), cursor=NOON)
    await office.add_task(every(60, id_=6), cursor=NOON)
    assert isinstance(office.store, MysqlStore)
    holder = await office.store.connections._engine.connect().start()
    try:
        await holder.run_sync(lambda c: office.store.hot.lock_schedules(c, [5]))
        async with asyncio.timeout(2.0):
            recorded = await office.desk.write(lambda tx: record_free(tx, [5, 6]))
    finally:
        await holder.close()
    assert [schedule_id for schedule_id, _ in recorded.cursors] == [6]
    assert [row.source_id for row in await office.rows()] == [6]


async def test_what_was_held_is_recorded_once_it_is_free(office: Office) -> None:
    await office.add_task(every(60, id_=5), cursor=NOON)
    assert isinstance(office.store, MysqlStore)
    holder = await office.store.connections._engine.connect().start()
    await holder.run_sync(lambda c: office.store.hot.lock_schedules(c, [5]))
    await office.desk.write(lambda tx: record_free(tx, [5]))
    await holder.close()
    await office.desk.write(lambda tx: record_free(tx, [5]))
    assert [row.source_id for row in await office.rows()] == [5]
