"""A gate is exact: who may start is decided under its lock, and whoever waits gets in when there is room."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import insert, update

from distributedjob.dispatch.port import CancelAsked, RoomMade
from distributedjob.model.execution import Reason, State
from distributedjob.model.identity import SYSTEM
from distributedjob.model.instant import SECOND
from distributedjob.model.policies import Overlap, Policies
from distributedjob.model.task import Revision
from distributedjob.scheduler.gates import BATCH, GateCalls, GateRounds, GateSweeper
from distributedjob.services.batch import Slots
from distributedjob.services.desk import Transaction
from distributedjob.services.ending import cancel
from distributedjob.services.gatekeeper import open_gates, turn_on
from distributedjob.store import tasks
from distributedjob.store.tables import gate_entry, task_revision
from support.office import ME, NOON, Office, every, result_of_claim

SCHEDULE = 5
ROOM = Slots(ME, frozenset({"default"}), 10)
WAIT, SKIP, REPLACE = (Policies(overlap=overlap) for overlap in (Overlap.WAIT, Overlap.SKIP, Overlap.REPLACE))
LIMIT_1 = Policies(max_parallel=1)

PENDING, BLOCKED = (State.PENDING, None), (State.BLOCKED, Reason.OVERLAP)
SUPERSEDED = (State.SKIPPED, Reason.SUPERSEDED)


async def entries(office: Office) -> dict[int, bool]:
    """Execution id → whether it waits."""
    return {row.execution_id: bool(row.waiting) for row in await office.all_of(gate_entry)}


async def ran(office: Office, id_: int) -> None:
    """Claim an execution and let it succeed."""
    (claim,) = await office.claim((id_, 0))
    await office.finish(result_of_claim(claim))


async def test_whoever_gets_in_has_an_entry_until_it_ends(office: Office) -> None:
    task_id = await office.add_task(policies=WAIT)
    row = await office.run_by_hand(task_id)
    before = await entries(office)
    await ran(office, row.id)
    assert (before, await entries(office)) == ({row.id: False}, {})


async def test_a_wait_for_a_retry_keeps_the_place(office: Office) -> None:
    task_id = await office.add_task(policies=WAIT)
    row = await office.run_by_hand(task_id)
    (claim,) = await office.claim((row.id, 0))
    await office.finish(result_of_claim(claim, state=State.PENDING, reason=Reason.RETRY, not_before=NOON + SECOND))
    second = await office.run_by_hand(task_id)
    assert (await entries(office), State(second.state)) == ({row.id: False, second.id: True}, State.BLOCKED)


async def test_skip_records_the_fire_as_skipped(office: Office) -> None:
    task_id = await office.add_task(every(10), policies=SKIP)
    await office.run_by_hand(task_id)
    recorded = await office.record(SCHEDULE, slots=ROOM)
    assert (State.SKIPPED, Reason.OVERLAP) in await office.states(task_id)
    assert (recorded.claimed, recorded.hints) == ([], [])


async def test_a_newer_one_supersedes_the_one_that_waits(office: Office) -> None:
    task_id = await office.add_task(policies=WAIT)
    rows = [await office.run_by_hand(task_id) for _ in range(3)]
    assert [await office.state(row.id) for row in rows] == [State.PENDING, State.SKIPPED, State.BLOCKED]
    assert await entries(office) == {rows[0].id: False, rows[2].id: True}


async def test_of_several_newcomers_in_one_batch_the_newest_waits(office: Office) -> None:
    task_id = await office.add_task(every(10), cursor=NOON - 20 * SECOND, policies=WAIT)
    recorded = await office.record(SCHEDULE)
    first, _, last = await office.rows(task_id=task_id)
    assert await office.states(task_id) == [PENDING, SUPERSEDED, BLOCKED]
    assert ([hint.id for hint in recorded.hints], await entries(office)) == (
        [first.id],
        {first.id: False, last.id: True},
    )


async def test_of_several_newcomers_in_one_batch_the_newest_replaces(office: Office) -> None:
    task_id = await office.add_task(every(10), cursor=NOON - 20 * SECOND, policies=REPLACE)
    recorded = await office.record(SCHEDULE, slots=ROOM)
    last = (await office.rows(task_id=task_id))[-1]
    assert [state for state, _ in await office.states(task_id)] == [State.SKIPPED, State.SKIPPED, State.RUNNING]
    assert ([claim.id for claim in recorded.claimed], recorded.hints) == ([last.id], [])
    assert await entries(office) == {last.id: False}


async def test_replace_asks_the_running_one_to_stop(office: Office) -> None:
    task_id = await office.add_task(policies=REPLACE)
    old = await office.run_by_hand(task_id)
    await office.claim((old.id, 0))
    new = await office.run_by_hand(task_id)
    assert (bool((await office.row(old.id)).cancel_asked), State(new.state)) == (True, State.BLOCKED)
    assert CancelAsked(old.id) in office.heard


async def test_replace_ends_the_one_that_has_not_begun(office: Office) -> None:
    task_id = await office.add_task(policies=REPLACE)
    old = await office.run_by_hand(task_id)
    new = await office.run_by_hand(task_id)
    await office.desk.write(lambda tx: open_gates(tx, [task_id]))
    row = await office.row(old.id)
    assert ((row.state, row.reason), await office.state(new.id)) == ((State.CANCELLED, Reason.REPLACED), State.PENDING)


async def test_a_limit_lets_the_rest_wait_in_line(office: Office) -> None:
    task_id = await office.add_task(every(10), cursor=NOON - 20 * SECOND, policies=replace(LIMIT_1, max_parallel=2))
    await office.record(SCHEDULE)
    assert await office.states(task_id) == [PENDING, PENDING, (State.BLOCKED, Reason.LIMIT)]


async def test_the_end_of_one_lets_the_oldest_in_and_hints_it(office: Office) -> None:
    task_id = await office.add_task(policies=LIMIT_1)
    first, second, third = [await office.run_by_hand(task_id) for _ in range(3)]
    await ran(office, first.id)
    office.heard.clear()
    await office.desk.write(lambda tx: open_gates(tx, [task_id]))
    assert (await office.state(second.id), await office.state(third.id)) == (State.PENDING, State.BLOCKED)
    assert [hint.id for hint in office.hints()] == [second.id]


async def test_an_end_tells_whose_gate_has_room(office: Office) -> None:
    task_id = await office.add_task(policies=LIMIT_1)
    row = await office.run_by_hand(task_id)
    await ran(office, row.id)
    assert RoomMade(frozenset({task_id})) in office.heard


async def test_news_of_room_opens_the_gate_it_names(office: Office) -> None:
    task_id = await office.add_task(policies=LIMIT_1)
    first, second = [await office.run_by_hand(task_id) for _ in range(2)]
    await ran(office, first.id)
    calls = GateCalls(desk=office.desk)
    calls.note(RoomMade(frozenset({task_id})))
    await calls.run_once()
    assert await office.state(second.id) is State.PENDING


async def test_a_lost_word_of_room_is_found_by_the_rounds(office: Office) -> None:
    task_id = await office.add_task(policies=LIMIT_1)
    first, second = [await office.run_by_hand(task_id) for _ in range(2)]
    await ran(office, first.id)
    await GateRounds(desk=office.desk).run_once()
    assert await office.state(second.id) is State.PENDING


async def test_the_rounds_reach_every_gate_however_many_are_full(office: Office) -> None:
    full = [{"execution_id": n, "task_id": 10_000 + n // 2, "waiting": bool(n % 2)} for n in range(2 * BATCH)]
    await office.store.write(lambda c: c.execute(insert(gate_entry).values(full)))
    office.ids = iter(range(50_000, 60_000)).__next__
    office.reopen(office.store)
    task_id = await office.add_task(policies=LIMIT_1)
    first, second = [await office.run_by_hand(task_id) for _ in range(2)]
    await ran(office, first.id)
    rounds = GateRounds(desk=office.desk)
    more = [await rounds.run_once() for _ in range(2)]
    assert (more, await office.state(second.id)) == ([True, False], State.PENDING)


async def test_the_gate_of_a_deleted_task_lets_everybody_in(office: Office) -> None:
    task_id = await office.add_task(policies=LIMIT_1)
    rows = [await office.run_by_hand(task_id) for _ in range(3)]
    await office.store.write(lambda c: tasks.delete_task(c, task_id))
    await GateRounds(desk=office.desk).run_once()
    assert {await office.state(row.id) for row in rows} == {State.PENDING}


async def test_cancelling_the_one_inside_lets_the_next_one_in(office: Office) -> None:
    task_id = await office.add_task(policies=LIMIT_1)
    first, second = [await office.run_by_hand(task_id) for _ in range(2)]
    await office.desk.write(lambda tx: cancel(tx, [first.id]))
    await GateRounds(desk=office.desk).run_once()
    assert await office.state(second.id) is State.PENDING


async def test_cancelling_one_that_waits_takes_its_entry_along(office: Office) -> None:
    task_id = await office.add_task(policies=LIMIT_1)
    first, second = [await office.run_by_hand(task_id) for _ in range(2)]
    await office.desk.write(lambda tx: cancel(tx, [second.id]))
    assert await entries(office) == {first.id: False}


async def test_an_entry_that_was_left_behind_is_swept_away(office: Office) -> None:
    task_id = await office.add_task(policies=LIMIT_1)
    row = await office.run_by_hand(task_id)
    await ran(office, row.id)
    stale = [{"execution_id": id_, "task_id": task_id, "waiting": False} for id_ in (row.id, 999)]
    await office.store.write(lambda c: c.execute(insert(gate_entry).values(stale)))
    living = await office.run_by_hand(task_id)
    await GateSweeper(desk=office.desk).run_once()
    assert await entries(office) == {living.id: True}


async def test_a_gate_that_is_turned_on_knows_who_is_unfinished(office: Office) -> None:
    task_id = await office.add_task()
    running, waiting, over = [await office.run_by_hand(task_id) for _ in range(3)]
    await office.claim((running.id, 0))
    await ran(office, over.id)
    await office.desk.write(lambda tx: turn_on(tx, task_id))
    assert await entries(office) == {running.id: False, waiting.id: False}


async def test_turning_a_gate_on_twice_adds_nobody_twice(office: Office) -> None:
    task_id = await office.add_task()
    row = await office.run_by_hand(task_id)
    for _ in range(2):
        await office.desk.write(lambda tx: turn_on(tx, task_id))
    assert await entries(office) == {row.id: False}


@pytest.mark.parametrize("overlap", [Overlap.SKIP, Overlap.WAIT, Overlap.REPLACE])
async def test_many_at_once_never_get_in_together(office: Office, overlap: Overlap) -> None:
    task_id = await office.add_task(policies=Policies(overlap=overlap))
    await asyncio.gather(*(office.run_by_hand(task_id) for _ in range(8)))
    inside = [id_ for id_, waits in (await entries(office)).items() if not waits]
    assert len(inside) <= 1


async def test_the_rounds_open_a_gate_by_the_policies_in_force(office: Office) -> None:
    task_id = await office.add_task(policies=LIMIT_1)
    rows = [await office.run_by_hand(task_id) for _ in range(3)]

    def widen(tx: Transaction) -> None:
        now = tasks.find_revision(tx.connection, task_id, 1)
        assert now is not None
        wider = replace(now.definition, policies=replace(LIMIT_1, max_parallel=2))
        tasks.insert_revision(tx.connection, Revision(task_id, 2, wider, NOON, SYSTEM.name))
        tx.connection.execute(update(tasks.task).values(revision=2))

    await office.desk.write(widen)
    await GateRounds(desk=office.desk).run_once()
    assert [await office.state(row.id) for row in rows] == [State.PENDING, State.PENDING, State.BLOCKED]


async def test_the_gate_of_a_task_that_cannot_be_read_stays_as_it_is(office: Office) -> None:
    broken, sound = [await office.add_task(policies=LIMIT_1) for _ in range(2)]
    kept = [await office.run_by_hand(broken) for _ in range(2)][1]
    first, second = [await office.run_by_hand(sound) for _ in range(2)]
    await ran(office, first.id)
    unreadable = update(task_revision).where(task_revision.c.task_id == broken).values(definition='{"name": 7}')
    await office.store.write(lambda c: c.execute(unreadable))
    office.reopen(office.store)  # with nothing in memory
    await GateRounds(desk=office.desk).run_once()
    assert (await office.state(kept.id), await office.state(second.id)) == (State.BLOCKED, State.PENDING)
