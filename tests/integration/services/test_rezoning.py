"""A new release of the zone data moves the cursors it concerns, and only those."""

import itertools
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import insert, select

from distributedjob.dispatch.local import LocalDispatch
from distributedjob.model.instant import HOUR, from_rfc3339
from distributedjob.model.schedule import CronTiming, Schedule
from distributedjob.services.desk import Desk
from distributedjob.services.rezoning import follow_zone_data
from distributedjob.store import installation
from distributedjob.store.codec import encode_schedule
from distributedjob.store.open import open_store, parse_url
from distributedjob.store.revisions import Revisions
from distributedjob.store.tables import metadata, schedule

NOW = from_rfc3339("2026-11-24T12:00:00Z")
RIGHT = from_rfc3339("2026-11-25T08:00:00Z")
BERLIN = CronTiming("0 9 * * *", time_zone="Europe/Berlin")


@pytest.fixture
async def desk(sqlite_url: str) -> AsyncIterator[Desk]:
    store = open_store(parse_url(sqlite_url))
    await store.write(metadata.create_all)
    yield Desk(store, Revisions(), LocalDispatch(), lambda: NOW, itertools.count(1).__next__, b"k" * 32)
    await store.close()


async def put(desk: Desk, id_: int, timing: CronTiming, *, cursor: int | None) -> None:
    row = {"id": id_, "task_id": 1, "department_id": 1, "revision": 1, "shard": 0, "seed": 1, "next_fire_at": cursor}
    row["definition"] = encode_schedule(Schedule(id=id_, timing=timing, seed=1))
    await desk.store.write(lambda c: c.execute(insert(schedule).values(row)))


async def cursors(desk: Desk) -> dict[int, int | None]:
    rows = await desk.store.read(lambda c: c.execute(select(schedule.c.id, schedule.c.next_fire_at)).all())
    return {row.id: row.next_fire_at for row in rows}


async def age_zone_data(desk: Desk) -> None:
    await follow_zone_data(desk)
    await desk.store.write(lambda c: installation.set_zone_data(c, "1999a"))


async def test_a_cursor_of_the_old_rules_moves(desk: Desk) -> None:
    await age_zone_data(desk)
    await put(desk, 7, BERLIN, cursor=RIGHT + HOUR)
    assert (await follow_zone_data(desk), await cursors(desk)) == (1, {7: RIGHT})


async def test_a_due_cursor_is_left_to_the_recorder(desk: Desk) -> None:
    await age_zone_data(desk)
    await put(desk, 7, BERLIN, cursor=NOW - HOUR)
    assert (await follow_zone_data(desk), await cursors(desk)) == (0, {7: NOW - HOUR})


async def test_a_stopped_schedule_stays_stopped(desk: Desk) -> None:
    await age_zone_data(desk)
    await put(desk, 7, BERLIN, cursor=None)
    assert (await follow_zone_data(desk), await cursors(desk)) == (0, {7: None})


async def test_the_same_release_moves_nothing(desk: Desk) -> None:
    await follow_zone_data(desk)
    await put(desk, 7, BERLIN, cursor=RIGHT + HOUR)
    assert await follow_zone_data(desk) == 0
