"""What was missed is caught up at a pace: each fire of a range once, low, unhinted, through the gate."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from distributedjob.model.execution import Flag, State, Trigger
from distributedjob.model.identity import SYSTEM
from distributedjob.model.instant import MINUTE, SECOND
from distributedjob.model.policies import MisfireMode, MisfirePolicy, Overlap, Policies
from distributedjob.model.task import Revision
from distributedjob.scheduler.backfiller import Backfiller, record_range
from distributedjob.services.desk import Transaction
from distributedjob.services.levers import reset_lever, set_lever
from distributedjob.store import tasks
from distributedjob.store.tables import backfill, gate_entry, schedule
from support.office import NOON, Leader, Office, every

SCHEDULE = 5
ALL = Policies(misfire=MisfirePolicy(mode=MisfireMode.ALL))


async def missed(office: Office, *, policies: Policies = ALL, minutes: int = 5, **task: object) -> int:
    """A task whose schedule, once a minute, was due for some minutes and is recorded now; returns its id."""
    task_id = await office.add_task(every(60), cursor=NOON - minutes * MINUTE, policies=policies, **task)
    office.now = NOON + 45 * SECOND
    await office.record(SCHEDULE)
    office.heard.clear()
    return task_id


async def catch_up(office: Office, *, limit: int = 100) -> int:
    (opened,) = await office.all_of(backfill)
    return await office.desk.write(lambda tx: record_range(tx, backfill_id=opened.id, limit=limit))


async def caught_up(office: Office) -> list[int]:
    """Fire times in minutes before noon, oldest first."""
    return [(NOON - row.fire_at) // MINUTE for row in await office.rows() if row.trigger == Trigger.BACKFILL]


async def test_every_fire_of_the_range_is_recorded_once(office: Office) -> None:
    await missed(office)
    for _ in range(2):
        await catch_up(office)
    assert await caught_up(office) == [5, 4, 3, 2, 1, 0]


async def test_a_range_goes_on_where_its_pace_stopped_it(office: Office) -> None:
    await missed(office)
    counts = [await catch_up(office, limit=4) for _ in range(3)]
    assert (counts, await caught_up(office)) == ([4, 2, 0], [5, 4, 3, 2, 1, 0])


async def test_caught_up_fires_are_low_unhinted_and_keep_their_schedule(office: Office) -> None:
    await missed(office, minutes=0)
    await catch_up(office)
    (row,) = await office.rows()
    assert (row.priority, row.source_id, row.flags, row.not_before) == (8, SCHEDULE, Flag.MISFIRED, office.now)
    assert office.hints() == []


async def test_a_range_that_is_done_is_closed(office: Office) -> None:
    await missed(office)
    await catch_up(office)
    (row,) = await office.all_of(backfill)
    assert (row.next_at, row.fires_left) == (None, 0)


async def test_a_fire_that_is_there_already_is_not_recorded_again(office: Office) -> None:
    await missed(office)
    await catch_up(office, limit=3)
    await office.store.write(lambda c: c.execute(update(backfill).values(next_at=NOON - 5 * MINUTE, fires_left=6)))
    await catch_up(office)
    assert await caught_up(office) == [5, 4, 3, 2, 1, 0]


async def test_the_maximum_of_fires_bounds_the_range(office: Office) -> None:
    await missed(office, fires_left=2)
    await catch_up(office)
    assert await caught_up(office) == [1, 0]
    assert [row.fires_left for row in await office.all_of(schedule)] == [0]


async def test_a_range_passes_the_gate(office: Office) -> None:
    await missed(office, policies=replace(ALL, max_parallel=2))
    await catch_up(office)
    states = [State(row.state) for row in await office.rows()]
    assert (states.count(State.PENDING), states.count(State.BLOCKED)) == (2, 4)
    assert len(await office.all_of(gate_entry)) == 6


async def test_a_range_passes_a_gate_that_came_after_it_was_opened(office: Office) -> None:
    task_id = await missed(office)

    def save(tx: Transaction) -> None:
        old = tasks.find_revision(tx.connection, task_id, 1)
        assert old is not None
        policies = replace(ALL, overlap=Overlap.WAIT)
        new = Revision(task_id, 2, replace(old.definition, policies=policies), office.now, SYSTEM.name)
        tasks.insert_revision(tx.connection, new)
        tx.connection.execute(update(tasks.task).values(revision=2))

    await office.desk.write(save)
    await catch_up(office)
    states = [State(row.state) for row in await office.rows()]
    assert (states.count(State.PENDING), states.count(State.BLOCKED)) == (1, 1)


async def test_what_was_to_be_caught_up_goes_on_after_its_task_is_deleted(office: Office) -> None:
    task_id = await missed(office, policies=replace(ALL, overlap=Overlap.WAIT))
    await office.store.write(lambda c: tasks.delete_task(c, task_id))
    await catch_up(office)
    assert {State(row.state) for row in await office.rows()} == {State.PENDING}


async def test_an_age_limit_counts_from_the_fire_time(office: Office) -> None:
    await missed(office, policies=replace(ALL, max_age=timedelta(minutes=2)))
    await catch_up(office)
    assert [row.deadline_at - row.fire_at for row in await office.rows()] == [2 * MINUTE] * 6


@pytest.mark.parametrize(("leads", "expected"), [(True, 3), (False, 0)])
async def test_only_the_leader_catches_up_and_at_its_rate(office: Office, leads: bool, expected: int) -> None:
    await missed(office)
    service = Backfiller(desk=office.desk, membership=Leader(leads=leads), rate=3)
    await service.run_once()
    assert len(await caught_up(office)) == expected


@pytest.mark.parametrize(("lever", "expected"), [(2, 2), (0, 0)])
async def test_the_lever_outweighs_the_setting_until_it_is_reset(office: Office, lever: int, expected: int) -> None:
    await missed(office)
    await office.desk.write(
        lambda tx: set_lever(tx, "catchup_rate", principal=SYSTEM, value=lever, version="0.1.0", defaults={})
    )
    service = Backfiller(desk=office.desk, membership=Leader(), rate=3)
    await service.run_once()
    under_lever = len(await caught_up(office))
    await office.desk.write(lambda tx: reset_lever(tx, "catchup_rate", defaults={}))
    await service.run_once()
    assert (under_lever, len(await caught_up(office))) == (expected, expected + 3)
