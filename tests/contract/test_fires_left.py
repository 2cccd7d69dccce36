"""A fire that was skipped, whenever that was, does not count against the maximum of its schedule."""

from datetime import timedelta

from sqlalchemy import select, update

from distributedjob.dispatch.port import CursorMoved
from distributedjob.model.execution import Reason, State
from distributedjob.model.instant import MINUTE, SECOND
from distributedjob.model.policies import MisfireMode, MisfirePolicy, Overlap, Policies
from distributedjob.model.schedule import IntervalFrom, IntervalTiming, Schedule
from distributedjob.scheduler.backfiller import record_range
from distributedjob.store.tables import backfill, schedule
from support.office import NOON, Office, every

SCHEDULE, OTHER_SCHEDULE = 5, 6
WAIT = Policies(overlap=Overlap.WAIT)


async def standing(office: Office, id_: int = SCHEDULE) -> tuple[int | None, int | None]:
    """(cursor in seconds from noon, fires left)."""
    query = select(schedule.c.next_fire_at, schedule.c.fires_left).where(schedule.c.id == id_)
    cursor, left = await office.store.read(lambda c: c.execute(query).one())
    return None if cursor is None else (cursor - NOON) // SECOND, left


async def record_at(office: Office, seconds: int, *ids: int) -> None:
    office.now = NOON + seconds * SECOND
    await office.record(*(ids or (SCHEDULE,)))


async def test_a_waiting_fire_that_the_next_one_supersedes_is_given_back(office: Office) -> None:
    await office.add_task(every(10, max_fires=9), policies=WAIT, fires_left=9)
    for seconds in (0, 10, 20):
        await record_at(office, seconds)
    assert await standing(office) == (30, 7)


async def test_the_last_fire_supersedes_one_and_another_follows(office: Office) -> None:
    await office.add_task(every(10, max_fires=3), policies=WAIT, fires_left=3)
    for seconds in (0, 10, 20):
        await record_at(office, seconds)
    assert await standing(office) == (30, 1)


async def test_a_used_up_schedule_goes_on_after_now_when_a_run_by_hand_supersedes_its_fire(office: Office) -> None:
    task_id = await office.add_task(every(10, max_fires=2), policies=WAIT, fires_left=2)
    for seconds in (0, 10):
        await record_at(office, seconds)
    used_up = await standing(office)
    office.now = NOON + 45 * SECOND
    await office.run_by_hand(task_id)
    assert (used_up, await standing(office)) == ((None, 0), (50, 1))
    assert CursorMoved(SCHEDULE, NOON + 50 * SECOND) in office.heard


async def test_one_with_fires_left_keeps_its_cursor_when_a_run_by_hand_supersedes_its_fire(office: Office) -> None:
    task_id = await office.add_task(every(10, max_fires=5), policies=WAIT, fires_left=5)
    for seconds in (0, 10):
        await record_at(office, seconds)
    office.now = NOON + 45 * SECOND
    await office.run_by_hand(task_id)
    assert await standing(office) == (20, 4)


async def test_a_paused_schedule_gets_its_fire_back_and_stays_paused(office: Office) -> None:
    task_id = await office.add_task(every(10, max_fires=2, enabled=False), policies=WAIT, fires_left=2)
    for seconds in (0, 10):
        await record_at(office, seconds)
    await office.run_by_hand(task_id)
    assert await standing(office) == (None, 1)


async def test_a_fire_of_another_schedule_gives_it_back_too(office: Office) -> None:
    one, other = every(10, max_fires=2), every(60, id_=OTHER_SCHEDULE)
    await office.add_task(one, other, policies=WAIT, fires_left=2)
    await office.store.write(lambda c: c.execute(update(schedule).values(next_fire_at=NOON + 60 * SECOND)))
    await office.store.write(
        lambda c: c.execute(update(schedule).where(schedule.c.id == SCHEDULE).values(next_fire_at=NOON))
    )
    for seconds in (0, 10):
        await record_at(office, seconds)
    await record_at(office, 60, OTHER_SCHEDULE)
    assert await standing(office) == (70, 1)


async def test_a_schedule_without_a_maximum_stays_without(office: Office) -> None:
    task_id = await office.add_task(every(10), policies=WAIT)
    for seconds in (0, 10):
        await record_at(office, seconds)
    await office.run_by_hand(task_id)
    assert await standing(office) == (20, None)


async def test_one_that_counts_from_the_end_and_was_used_up_goes_on(office: Office) -> None:
    timing = IntervalTiming(timedelta(seconds=10), NOON, interval_from=IntervalFrom.END)
    task_id = await office.add_task(
        Schedule(id=SCHEDULE, timing=timing, seed=1, max_fires=1), policies=WAIT, fires_left=1
    )
    first = await office.run_by_hand(task_id)
    await record_at(office, 1)
    await office.run_by_hand(task_id)
    assert await office.state(first.id) is State.PENDING
    assert await standing(office) == (11, 1)


async def test_a_caught_up_fire_that_its_gate_skips_is_given_back(office: Office) -> None:
    policies = Policies(overlap=Overlap.SKIP, misfire=MisfirePolicy(mode=MisfireMode.ALL))
    task_id = await office.add_task(every(60, max_fires=9), cursor=NOON - 3 * MINUTE, policies=policies, fires_left=9)
    office.now = NOON + 45 * SECOND
    await office.record(SCHEDULE)
    planned = await standing(office)
    (opened,) = await office.all_of(backfill)
    await office.desk.write(lambda tx: record_range(tx, backfill_id=opened.id, limit=100))
    reasons = [reason for state, reason in await office.states(task_id) if state is State.SKIPPED]
    assert (planned, reasons, await standing(office)) == ((60, 5), [Reason.OVERLAP] * 3, (60, 8))
