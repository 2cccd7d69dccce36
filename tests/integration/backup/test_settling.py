"""The fires between a backup and its return: one decision each, by the operator's rule."""

import pytest
from sqlalchemy import select

from distributedjob.dispatch.local import LocalDispatch
from distributedjob.model.execution import Reason, State
from distributedjob.model.identity import SYSTEM, IdSequence
from distributedjob.model.instant import HOUR, MINUTE, SECOND, from_rfc3339
from distributedjob.model.schedule import CronTiming, Schedule
from distributedjob.model.target import HttpTarget
from distributedjob.model.task import TaskDefinition
from distributedjob.services.desk import Desk
from distributedjob.services.drafts import NEW, ScheduleDraft, TaskDraft
from distributedjob.services.recording import record_due
from distributedjob.services.restoring import RestoreRule, list_unsettled, settle_fires
from distributedjob.services.tasks import create_task
from distributedjob.store import schema, tables
from distributedjob.store.open import open_store, parse_url
from distributedjob.store.revisions import Revisions
from distributedjob.targets.egress import EMBEDDED

BACKED_UP = from_rfc3339("2026-03-01T12:00:30Z")
NOW = BACKED_UP + 10 * MINUTE


class HandClock:
    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return HandClock(BACKED_UP)


@pytest.fixture
async def desk(database_url, clock):
    await schema.upgrade(database_url)
    store = open_store(parse_url(database_url))
    ids = IdSequence(7)
    yield Desk(store, Revisions(), LocalDispatch(), clock, lambda: ids.next(clock.now), b"k" * 32)
    await store.close()


@pytest.fixture
async def minutely(desk, clock):
    """A task that fires every minute, whose database comes back ten minutes after the backup."""
    schedule = Schedule(id=NEW, timing=CronTiming("* * * * *"), seed=0)
    definition = TaskDefinition(name="minutely", target=HttpTarget(url="http://127.0.0.1:9/"))
    draft = TaskDraft(definition, (ScheduleDraft(schedule),))
    await desk.write(lambda tx: create_task(tx, principal=SYSTEM, draft=draft, egress=EMBEDDED))
    clock.now = NOW


async def settle(desk, rule, *, before=NOW):
    ids = await desk.read(lambda tx: list_unsettled(tx, before=before, limit=100))
    return await desk.write(lambda tx: settle_fires(tx, ids, before=before, rule=rule))


async def executions(desk):
    columns = ("state", "reason", "fire_at", "range_end", "range_count")
    wanted = select(*(tables.execution.c[name] for name in columns)).order_by(tables.execution.c.fire_at)
    return [tuple(row) for row in await desk.read(lambda tx: tx.connection.execute(wanted).all())]


async def cursors(desk):
    return await desk.read(lambda tx: tx.connection.execute(select(tables.schedule.c.next_fire_at)).scalars().all())


def minute(number):
    return from_rfc3339("2026-03-01T12:00:00Z") + number * MINUTE


async def test_missed_makes_one_range_of_all_fires(desk, minutely):
    await settle(desk, RestoreRule.MISSED)
    assert await executions(desk) == [(State.MISSED, Reason.RESTORED, minute(1), minute(10), 10)]


async def test_missed_moves_the_cursor_past_now(desk, minutely):
    await settle(desk, RestoreRule.MISSED)
    assert await cursors(desk) == [minute(11)]


async def test_latest_runs_the_newest_and_misses_the_rest(desk, minutely):
    await settle(desk, RestoreRule.LATEST)
    assert await executions(desk) == [
        (State.MISSED, Reason.RESTORED, minute(1), minute(9), 9),
        (State.PENDING, None, minute(10), None, None),
    ]


async def test_a_fire_within_grace_is_old_as_well(desk, minutely, clock):
    clock.now = minute(1) + 2 * SECOND
    await settle(desk, RestoreRule.MISSED, before=clock.now)
    assert await executions(desk) == [(State.MISSED, Reason.RESTORED, minute(1), minute(1), 1)]


async def test_a_fire_at_the_instant_itself_is_left_to_the_schedule(desk, minutely):
    await settle(desk, RestoreRule.MISSED, before=minute(5))
    assert await cursors(desk) == [minute(5)]


async def test_a_fire_one_microsecond_before_the_instant_is_settled(desk, minutely):
    await settle(desk, RestoreRule.MISSED, before=minute(5) + 1)
    assert await cursors(desk) == [minute(6)]


async def test_a_second_run_finds_nothing_to_settle(desk, minutely):
    await settle(desk, RestoreRule.MISSED)
    assert await desk.read(lambda tx: list_unsettled(tx, before=NOW, limit=100)) == []


async def test_what_is_settled_is_not_recorded_again(desk, minutely):
    await settle(desk, RestoreRule.LATEST)
    ids = await desk.read(lambda tx: tx.connection.execute(select(tables.schedule.c.id)).scalars().all())
    await desk.write(lambda tx: record_due(tx, ids))
    assert len(await executions(desk)) == 2


async def test_the_newest_fire_may_still_start_after_a_long_outage(desk, minutely, clock):
    clock.now = NOW + 100 * HOUR
    await settle(desk, RestoreRule.LATEST, before=clock.now)
    deadlines = select(tables.execution.c.deadline_at).where(tables.execution.c.state == State.PENDING)
    [deadline] = await desk.read(lambda tx: tx.connection.execute(deadlines).scalars().all())
    assert deadline > clock.now
