"""At the fire time: one decision per due fire, in one transaction, whatever else goes on."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select, update

from distributedjob.model.execution import Flag, Hint, Reason, State
from distributedjob.model.instant import HOUR, MINUTE, SECOND
from distributedjob.model.policies import MisfireMode, MisfirePolicy, Overlap, Policies
from distributedjob.model.schedule import IntervalFrom, IntervalTiming, Schedule
from distributedjob.services.batch import Slots
from distributedjob.services.desk import Transaction
from distributedjob.services.recording import record_due, record_due_of_task
from distributedjob.store.tables import backfill, gate_entry, schedule
from support.office import ME, NOON, Office, every

SCHEDULE = 5
ROOM = Slots(ME, frozenset({"default"}), 10)


async def cursor(office: Office, schedule_id: int = SCHEDULE) -> tuple[int | None, int | None, int | None]:
    columns = (schedule.c.next_fire_at, schedule.c.fires_left, schedule.c.waiting_id)
    row = await office.store.read(lambda c: c.execute(select(*columns).where(schedule.c.id == schedule_id)).one())
    return tuple(row)


def misfire(mode: MisfireMode, **rule: object) -> Policies:
    return Policies(misfire=MisfirePolicy(mode=mode, **rule))  # type: ignore[arg-type]


async def test_a_due_fire_becomes_a_pending_execution_and_moves_the_cursor(office: Office) -> None:
    task_id = await office.add_task(every(10))
    await office.record(SCHEDULE)
    (row,) = await office.rows(task_id=task_id)
    assert (row.fire_at, row.state, row.fence, row.attempt) == (NOON, State.PENDING, 0, 0)
    assert await cursor(office) == (NOON + 10 * SECOND, None, None)


async def test_a_pending_execution_is_hinted(office: Office) -> None:
    task_id = await office.add_task(every(10))
    recorded = await office.record(SCHEDULE)
    (row,) = await office.rows(task_id=task_id)
    assert recorded.hints == [Hint(row.id, 0, NOON, "default")]


async def test_where_there_is_room_a_fire_is_recorded_as_claimed(office: Office) -> None:
    task_id = await office.add_task(every(10))
    recorded = await office.record(SCHEDULE, slots=ROOM)
    (row,) = await office.rows(task_id=task_id)
    assert (row.state, row.holder, row.fence, row.attempt) == (State.RUNNING, ME, 1, 1)
    assert ([claim.id for claim in recorded.claimed], recorded.hints) == ([row.id], [])


async def test_no_more_are_claimed_than_there_is_room(office: Office) -> None:
    await office.add_task(every(10), cursor=NOON - 20 * SECOND)
    recorded = await office.record(SCHEDULE, slots=replace(ROOM, free=2))
    assert (len(recorded.claimed), len(recorded.hints)) == (2, 1)


async def test_what_jitter_delays_is_not_claimed_before_its_time(office: Office) -> None:
    task_id = await office.add_task(every(10, jitter=timedelta(hours=1)))
    recorded = await office.record(SCHEDULE, slots=ROOM)
    (row,) = await office.rows(task_id=task_id)
    assert (row.fire_at, row.not_before > NOON, recorded.claimed) == (NOON, True, [])


async def test_the_deadline_counts_from_the_later_of_due_and_recorded(office: Office) -> None:
    task_id = await office.add_task(every(10), cursor=NOON - 10 * SECOND, policies=Policies(deadline=timedelta(0)))
    office.now += 3 * SECOND
    await office.record(SCHEDULE)
    assert [row.deadline_at for row in await office.rows(task_id=task_id)] == [office.now, office.now]


async def test_the_maximal_age_counts_from_the_fire_time(office: Office) -> None:
    task_id = await office.add_task(every(10), policies=Policies(max_age=timedelta(seconds=5)))
    office.now += 3 * SECOND
    await office.record(SCHEDULE)
    assert [row.deadline_at for row in await office.rows(task_id=task_id)] == [NOON + 5 * SECOND]


async def test_an_old_word_of_a_schedule_records_nothing_and_learns_the_cursor(office: Office) -> None:
    task_id = await office.add_task(every(10), cursor=NOON + 10 * SECOND)
    recorded = await office.record(SCHEDULE)
    assert (await office.rows(task_id=task_id), recorded.cursors) == ([], [(SCHEDULE, NOON + 10 * SECOND)])


async def test_a_deleted_schedule_records_nothing(office: Office) -> None:
    recorded = await office.record(999)
    assert (recorded.executions, recorded.cursors) == (0, [])


async def test_a_fire_that_is_recorded_already_only_moves_the_cursor(office: Office) -> None:
    task_id = await office.add_task(every(10))
    await office.record(SCHEDULE)
    await office.store.write(lambda c: c.execute(update(schedule).values(next_fire_at=NOON)))
    recorded = await office.record(SCHEDULE)
    assert (recorded.duplicates, len(await office.rows(task_id=task_id))) == (1, 1)
    assert (await cursor(office))[0] == NOON + 10 * SECOND


async def test_a_fire_that_is_recorded_already_takes_no_place_at_the_gate(office: Office) -> None:
    task_id = await office.add_task(every(10), policies=Policies(max_parallel=5))
    await office.record(SCHEDULE)
    await office.store.write(lambda c: c.execute(update(schedule).values(next_fire_at=NOON)))
    await office.record(SCHEDULE)
    entries = [row.execution_id for row in await office.all_of(gate_entry)]
    assert entries == [row.id for row in await office.rows(task_id=task_id)]


async def test_a_duplicate_drops_only_itself(office: Office) -> None:
    task_id = await office.add_task(every(10))
    await office.record(SCHEDULE)
    await office.store.write(lambda c: c.execute(update(schedule).values(next_fire_at=NOON)))
    office.now += 10 * SECOND
    recorded = await office.record(SCHEDULE, slots=ROOM)
    assert [row.fire_at for row in await office.rows(task_id=task_id)] == [NOON, NOON + 10 * SECOND]
    assert [claim.fire_at for claim in recorded.claimed] == [NOON + 10 * SECOND]


async def test_ids_that_collide_are_made_anew(office: Office) -> None:
    task_id = await office.add_task(every(10))
    taken = await office.run_by_hand(task_id)
    ids = iter([taken.id, 77_000, 77_001])
    office.ids, fresh = (lambda: next(ids)), office.ids
    office.reopen(office.store)
    recorded = await office.record(SCHEDULE, slots=ROOM)
    office.ids = fresh
    assert [claim.id for claim in recorded.claimed] == [77_000]


async def test_latest_runs_the_newest_misfire_low_and_misses_the_rest(office: Office) -> None:
    task_id = await office.add_task(every(60), cursor=NOON - 5 * MINUTE)
    office.now = NOON - MINUTE + 45 * SECOND
    await office.record(SCHEDULE)
    missed, ran = await office.rows(task_id=task_id)
    assert (missed.state, missed.reason, missed.range_end, missed.range_count) == (
        State.MISSED,
        Reason.MISFIRE,
        NOON - 2 * MINUTE,
        4,
    )
    assert (ran.fire_at, ran.state, ran.priority, ran.flags) == (NOON - MINUTE, State.PENDING, 8, Flag.MISFIRED)


async def test_all_opens_a_catch_up_range_and_keeps_the_live_fires(office: Office) -> None:
    task_id = await office.add_task(every(20), cursor=NOON - MINUTE, policies=misfire(MisfireMode.ALL))
    await office.record(SCHEDULE)
    (opened,) = await office.all_of(backfill)
    assert (opened.next_at, opened.last_at, opened.fires_left) == (NOON - MINUTE, NOON - 40 * SECOND, 2)
    assert [row.fire_at for row in await office.rows(task_id=task_id)] == [NOON - 20 * SECOND, NOON]


async def test_more_missed_fires_than_are_counted_are_marked_so(office: Office) -> None:
    task_id = await office.add_task(every(1), cursor=NOON - 4 * HOUR, policies=misfire(MisfireMode.SKIP))
    await office.record(SCHEDULE)
    missed = (await office.rows(task_id=task_id))[0]
    assert (missed.range_count, missed.flags) == (10_000, Flag.MORE_THAN)


async def test_after_a_long_outage_a_transaction_stops_when_it_has_walked_enough(office: Office) -> None:
    ids = [SCHEDULE + n for n in range(4)]
    schedules = [every(1, id_=id_) for id_ in ids]
    await office.add_task(*schedules, cursor=NOON - 4 * HOUR, policies=misfire(MisfireMode.SKIP))
    recorded = await office.record(*ids)
    behind = [id_ for id_, next_fire_at in recorded.cursors if next_fire_at is not None and next_fire_at <= NOON]
    assert (recorded.ranges, behind) == (2, ids[2:])


async def test_the_maximum_of_fires_ends_a_schedule(office: Office) -> None:
    task_id = await office.add_task(every(10), cursor=NOON - 20 * SECOND, fires_left=2)
    await office.record(SCHEDULE)
    assert (len(await office.rows(task_id=task_id)), await cursor(office)) == (2, (None, 0, None))


async def test_a_fire_that_the_gate_skips_does_not_count_against_the_maximum(office: Office) -> None:
    rule = Policies(overlap=Overlap.SKIP)
    task_id = await office.add_task(every(10), cursor=NOON - 20 * SECOND, fires_left=3, policies=rule)
    await office.record(SCHEDULE)
    skipped = [state for state, _ in await office.states(task_id)].count(State.SKIPPED)
    assert (skipped, await cursor(office)) == (2, (NOON + 10 * SECOND, 2, None))


async def test_a_skipped_last_fire_leaves_the_schedule_alive(office: Office) -> None:
    task_id = await office.add_task(every(10), fires_left=1, policies=Policies(overlap=Overlap.SKIP))
    await office.run_by_hand(task_id)
    await office.record(SCHEDULE)
    assert await cursor(office) == (NOON + 10 * SECOND, 1, None)


async def test_before_a_change_everything_due_is_recorded_however_much_it_is(office: Office) -> None:
    rule = Policies(misfire=MisfirePolicy(grace=timedelta(minutes=10)))
    task_id = await office.add_task(every(1), cursor=NOON - 3 * MINUTE, policies=rule)
    await office.desk.write(lambda tx: record_due_of_task(tx, task_id))
    assert (len(await office.rows(task_id=task_id)), (await cursor(office))[0]) == (181, NOON + SECOND)


def after_end(seconds: int = 60) -> Schedule:
    timing = IntervalTiming(timedelta(seconds=seconds), NOON - HOUR, IntervalFrom.END)
    return Schedule(id=SCHEDULE, timing=timing, seed=1)


async def test_an_interval_from_the_end_waits_for_its_execution(office: Office) -> None:
    task_id = await office.add_task(after_end())
    await office.record(SCHEDULE)
    (row,) = await office.rows(task_id=task_id)
    assert (await cursor(office), row.flags) == ((None, None, row.id), Flag.FROM_END)


async def test_an_interval_from_the_end_that_was_missed_waits_for_its_range(office: Office) -> None:
    task_id = await office.add_task(after_end(), cursor=NOON - HOUR, policies=misfire(MisfireMode.SKIP))
    await office.record(SCHEDULE)
    (row,) = await office.rows(task_id=task_id)
    assert (State(row.state), await cursor(office)) == (State.MISSED, (None, None, row.id))


async def test_an_interval_from_the_end_is_never_left_without_a_cursor_by_catching_up(office: Office) -> None:
    task_id = await office.add_task(after_end(), cursor=NOON - 10 * MINUTE, policies=misfire(MisfireMode.ALL))
    await office.record(SCHEDULE)
    (row,) = await office.rows(task_id=task_id)
    assert (State(row.state), await cursor(office)) == (State.PENDING, (None, None, row.id))


async def test_what_was_recorded_is_undone_with_its_transaction(office: Office) -> None:
    task_id = await office.add_task(every(10), policies=Policies(overlap=Overlap.WAIT))

    def unit(tx: Transaction) -> None:
        record_due(tx, [SCHEDULE])
        raise LookupError

    try:
        await office.desk.write(unit)
    except LookupError:
        left: Sequence[object] = [*await office.rows(task_id=task_id), *await office.all_of(gate_entry)]
        assert (left, (await cursor(office))[0]) == ([], NOON)
