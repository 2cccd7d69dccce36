"""A change that has to wait for a lock judges what is due by the time it got it, not by the time it was asked for."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from integration.api.conftest import Installation

DEADLINE_SECONDS = 10


@pytest.fixture
def module_database_url(request: pytest.FixtureRequest, database_name: str) -> str:
    return str(request.getfixturevalue(f"module_{database_name}_url"))


@pytest.fixture(scope="module", params=["mariadb", "mysql"])
def database_name(request: pytest.FixtureRequest) -> str:
    """SQLite has one writer: nobody holds a row while another unit runs."""
    return str(request.param)


async def until_somebody_waits(connection: AsyncConnection) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        waiting = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
        while not (await connection.exec_driver_sql(waiting)).scalar():
            await asyncio.sleep(0.15)  # InnoDB answers from memory for 0.1 s after each question


async def test_fires_that_become_due_while_a_pause_waits_for_the_lock_are_recorded(
    installed: Installation, module_database_url: str
):
    task = await installed.create(schedules=[{"kind": "interval", "every_seconds": 10}])
    engine = create_async_engine(module_database_url)
    async with engine.connect() as recorder, engine.connect() as observer:
        await recorder.exec_driver_sql(f"SELECT id FROM schedule WHERE task_id = {task['id']} FOR UPDATE")
        pause = asyncio.create_task(installed.client.post(f"/v1/tasks/{task['id']}/disable"))
        await until_somebody_waits(observer)
        installed.clock.advance(25)
        await recorder.rollback()
        answer = await pause
    await engine.dispose()

    assert answer.json()["next_fire_at"] is None
    assert [each["fire_at"] for each in await installed.executions(task["id"])] == [
        "2027-03-01T12:00:20Z",
        "2027-03-01T12:00:10Z",
    ]
