"""Intervals that count from an end: the cursor is empty while the execution lasts, and its end sets it."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from distributedjob.model.execution import Reason, State
from distributedjob.model.instant import MINUTE, SECOND
from distributedjob.model.policies import MisfireMode, MisfirePolicy, Overlap, Policies
from distributedjob.model.schedule import IntervalFrom, IntervalTiming, Schedule
from distributedjob.scheduler.follower import Follower
from distributedjob.services.ending import cancel
from distributedjob.store.executions import delete_executions
from distributedjob.store.tables import schedule
from support.office import NOON, Office, result_of_claim

SCHEDULE = 5


def after_end(**changes: object) -> Schedule:
    timing = IntervalTiming(timedelta(minutes=1), NOON - MINUTE, IntervalFrom.END)
    return Schedule(id=SCHEDULE, timing=timing, seed=1, **changes)  # type: ignore[arg-type]


async def cursor(office: Office) -> tuple[int | None, int | None]:
    await Follower(desk=office.desk).run_once()
    columns = (schedule.c.next_fire_at, schedule.c.waiting_id)
    return tuple(await office.store.read(lambda c: c.execute(select(*columns)).one()))


async def fired(office: Office, *, policies: Policies | None = None, **changes: object):
    """The schedule's execution, recorded at noon."""
    task_id = await office.add_task(after_end(**changes), policies=policies)
    await office.record(SCHEDULE)
    return (await office.rows(task_id=task_id))[-1]


async def test_while_it_runs_there_is_no_next_fire(office: Office) -> None:
    run = await fired(office)
    await office.claim((run.id, 0))
    assert await cursor(office) == (None, run.id)


async def test_the_next_fire_is_a_full_interval_after_the_end(office: Office) -> None:
    run = await fired(office)
    (claim,) = await office.claim((run.id, 0))
    ended_at = NOON + 7 * SECOND
    await office.finish(result_of_claim(claim, now=ended_at))
    assert await cursor(office) == (ended_at + MINUTE, None)


async def test_a_wait_for_a_retry_is_no_end(office: Office) -> None:
    run = await fired(office)
    (claim,) = await office.claim((run.id, 0))
    await office.finish(result_of_claim(claim, state=State.PENDING, reason=Reason.RETRY, not_before=NOON))
    assert await cursor(office) == (None, run.id)


async def test_a_cancel_is_an_end(office: Office) -> None:
    run = await fired(office)
    office.now += SECOND
    await office.desk.write(lambda tx: cancel(tx, [run.id]))
    assert await cursor(office) == (NOON + SECOND + MINUTE, None)


async def test_a_skipped_fire_is_an_end(office: Office) -> None:
    task_id = await office.add_task(after_end(), policies=Policies(overlap=Overlap.SKIP))
    await office.run_by_hand(task_id)
    await office.record(SCHEDULE)
    assert await cursor(office) == (NOON + MINUTE, None)


async def test_a_missed_fire_is_an_end(office: Office) -> None:
    office.now += 10 * MINUTE
    await fired(office, policies=Policies(misfire=MisfirePolicy(mode=MisfireMode.SKIP)))
    assert await cursor(office) == (NOON + 11 * MINUTE, None)


async def test_a_run_by_hand_does_not_count(office: Office) -> None:
    run = await fired(office)
    by_hand = await office.run_by_hand(run.task_id)
    (claim,) = await office.claim((by_hand.id, 0))
    await office.finish(result_of_claim(claim))
    assert await cursor(office) == (None, run.id)


async def test_an_execution_that_is_gone_keeps_nobody_waiting(office: Office) -> None:
    run = await fired(office)
    await office.desk.write(lambda tx: cancel(tx, [run.id]))
    await office.store.write(lambda c: delete_executions(c, [run.id]))
    office.now += SECOND
    assert await cursor(office) == (NOON + SECOND + MINUTE, None)


async def test_the_end_of_the_window_ends_it(office: Office) -> None:
    run = await fired(office, end_at=NOON + MINUTE)
    await office.desk.write(lambda tx: cancel(tx, [run.id]))
    assert await cursor(office) == (None, None)


@pytest.mark.parametrize("turns", [1, 2])
async def test_looking_twice_sets_the_cursor_once(office: Office, turns: int) -> None:
    run = await fired(office)
    await office.desk.write(lambda tx: cancel(tx, [run.id]))
    for _ in range(turns):
        found = await cursor(office)
        office.now += SECOND
    assert found == (NOON + MINUTE, None)


async def test_a_schedule_that_cannot_be_read_holds_up_no_other(office: Office) -> None:
    timing = IntervalTiming(timedelta(minutes=1), NOON - MINUTE, IntervalFrom.END)
    broken, sound = (Schedule(id=id_, timing=timing, seed=1) for id_ in (SCHEDULE, SCHEDULE + 1))
    await office.add_task(broken, sound)
    await office.record(broken.id, sound.id)
    for row in await office.rows():
        await office.finish(result_of_claim(*await office.claim((row.id, 0))))
    unreadable = update(schedule).where(schedule.c.id == broken.id).values(definition="{}")
    await office.store.write(lambda c: c.execute(unreadable))
    with pytest.raises(Exception, match="required field"):
        await Follower(desk=office.desk).run_once()
    query = select(schedule.c.id).where(schedule.c.next_fire_at == NOON + MINUTE)
    assert await office.store.read(lambda c: list(c.execute(query).scalars())) == [sound.id]
