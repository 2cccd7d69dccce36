"""The executions of a lost session go on, or end, exactly once, and its own late word changes nothing but evidence."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from distributedjob.model.execution import Flag, Hint, Reason, State
from distributedjob.model.instant import SECOND
from distributedjob.model.policies import Delivery, Policies, RetryPolicy
from distributedjob.model.target import HttpTarget
from distributedjob.scheduler.expirer import CancelWatch
from distributedjob.scheduler.rescuer import Rescuer
from distributedjob.services.ending import cancel
from distributedjob.services.finishing import write_results
from distributedjob.services.rescue import rescue
from distributedjob.store import nodes
from distributedjob.store.runs import list_lost
from distributedjob.store.tables import attempt, failure, gate_entry, task_revision
from distributedjob.telemetry.events import Events
from support.office import ME, NOON, OTHER, Office, result_of_claim

AT_MOST_ONCE = Policies(delivery=Delivery.AT_MOST_ONCE)
ONE_ATTEMPT = Policies(retry=RetryPolicy(max_attempts=1))


@pytest.fixture
async def running(office: Office) -> "Running":
    await office.add_node(ME)
    await office.add_node(OTHER)
    return Running(office)


class Running:
    """Executions that this session runs, and the ways to lose them."""

    def __init__(self, office: Office) -> None:
        self.office = office

    async def start(self, policies: Policies | None = None, **task: object):
        run = await self.office.run_by_hand(await self.office.add_task(policies=policies, **task))
        (claim,) = await self.office.claim((run.id, 0))
        return claim

    async def lose(self) -> int:
        await self.office.end_node(ME)
        return await self.rescue()

    async def rescue(self) -> int:
        lost = await self.office.store.read(lambda c: list_lost(c, limit=100))
        return await self.office.desk.write(lambda tx: rescue(tx, lost))


async def test_what_a_living_session_runs_is_left_alone(running: Running) -> None:
    claim = await running.start()
    assert (await running.rescue(), await running.office.state(claim.id)) == (0, State.RUNNING)


async def test_a_lost_execution_is_due_again_at_once_with_a_higher_fence(running: Running) -> None:
    claim = await running.start()
    await running.lose()
    row = await running.office.row(claim.id)
    assert (row.state, row.reason, row.fence, row.attempt, row.not_before) == (
        State.PENDING,
        Reason.RESCUED,
        claim.fence + 1,
        1,
        NOON,
    )


async def test_a_rescued_execution_is_hinted_with_its_new_fence(running: Running) -> None:
    claim = await running.start()
    await running.lose()
    assert running.office.hints()[-1] == Hint(claim.id, claim.fence + 1, NOON, "default")


@pytest.mark.parametrize("gone", ["ended", "dead", "forgotten"])
async def test_every_way_to_be_gone_is_found(running: Running, gone: str) -> None:
    claim = await running.start()
    office = running.office
    match gone:
        case "ended":
            await office.end_node(ME)
        case "dead":
            await office.store.write(lambda c: nodes.declare_dead(c, session=ME, seen_beat=1, now=NOON))
        case _:
            await office.store.write(lambda c: c.execute(nodes.node.delete().where(nodes.node.c.session == ME)))
    counted: list[int] = []
    await Rescuer(desk=office.desk, events=Events(), on_rescued=counted.append).run_once()
    assert counted == [1]
    assert await office.state(claim.id) is State.PENDING


async def test_the_lost_attempt_is_remembered(running: Running) -> None:
    claim = await running.start()
    await running.lose()
    (row,) = await running.office.all_of(attempt)
    assert (row.execution_id, row.no, row.evidence, row.outcome) == (claim.id, 1, 0, "lost")


async def test_without_attempts_left_it_fails(running: Running) -> None:
    claim = await running.start(ONE_ATTEMPT)
    await running.lose()
    row = await running.office.row(claim.id)
    assert (row.state, row.reason) == (State.FAILED, Reason.WORKER_LOST)
    assert [one.execution_id for one in await running.office.all_of(failure)] == [claim.id]


async def test_a_lost_attempt_does_not_show_the_answer_of_an_earlier_one(running: Running) -> None:
    first = await running.start(Policies(retry=RetryPolicy(max_attempts=2)))
    refused = result_of_claim(first, state=State.PENDING, reason=Reason.RETRY, not_before=NOON, status=500)
    await running.office.desk.write(lambda tx: write_results(tx, [refused]))
    await running.office.claim((first.id, 1))
    await running.lose()
    row = await running.office.row(first.id)
    assert (row.state, row.status, row.sent_at) == (State.FAILED, None, None)


async def test_with_the_main_attempts_used_up_it_waits_for_the_fallback(running: Running) -> None:
    claim = await running.start(ONE_ATTEMPT, fallback=HttpTarget(url="http://127.0.0.1:9/other"))
    await running.lose()
    row = await running.office.row(claim.id)
    assert (row.state, row.attempt) == (State.PENDING, 1)


async def test_an_unmarked_at_most_once_execution_gets_its_attempt_back(running: Running) -> None:
    claim = await running.start(AT_MOST_ONCE)
    await running.lose()
    row = await running.office.row(claim.id)
    assert (row.state, row.attempt, bool(row.marked)) == (State.PENDING, 0, False)


async def test_a_marked_at_most_once_execution_ends_unknown(running: Running) -> None:
    claim = await running.start(AT_MOST_ONCE)
    hot = running.office.store.hot
    await running.office.store.write(lambda c: hot.mark(c, [(claim.id, ME, claim.fence)]))
    await running.lose()
    row = await running.office.row(claim.id)
    assert (row.state, row.reason) == (State.UNKNOWN, Reason.WORKER_LOST)


async def test_a_start_mark_that_is_set_between_the_look_and_the_rescue_counts(running: Running) -> None:
    claim = await running.start(AT_MOST_ONCE)
    office, hot = running.office, running.office.store.hot
    await office.end_node(ME)
    lost = await office.store.read(lambda c: list_lost(c, limit=10))
    assert await office.store.write(lambda c: hot.mark(c, [(claim.id, ME, claim.fence)])) == {claim.id}
    await office.desk.write(lambda tx: rescue(tx, lost))
    assert await office.state(claim.id) is State.UNKNOWN


async def test_a_lost_execution_that_was_to_be_cancelled_is(running: Running) -> None:
    claim = await running.start()
    await running.office.desk.write(lambda tx: cancel(tx, [claim.id]))
    await running.lose()
    row = await running.office.row(claim.id)
    assert (row.state, row.reason, row.fence) == (State.CANCELLED, Reason.ASKED, claim.fence + 1)


async def test_a_cancel_that_comes_between_the_look_and_the_rescue_wins(running: Running) -> None:
    claim = await running.start()
    office = running.office
    await office.end_node(ME)
    lost = await office.store.read(lambda c: list_lost(c, limit=10))
    await office.desk.write(lambda tx: cancel(tx, [claim.id]))
    await office.desk.write(lambda tx: rescue(tx, lost))
    assert await office.state(claim.id) is State.CANCELLED


async def test_two_rescuers_rescue_once(running: Running) -> None:
    claim = await running.start()
    office = running.office
    await office.end_node(ME)
    lost = await office.store.read(lambda c: list_lost(c, limit=10))
    for _ in range(2):
        await office.desk.write(lambda tx: rescue(tx, lost))
    assert ((await office.row(claim.id)).fence, len(await office.all_of(attempt))) == (claim.fence + 1, 1)


async def test_what_ended_between_the_look_and_the_rescue_stays_ended(running: Running) -> None:
    claim = await running.start()
    office = running.office
    await office.end_node(ME)
    lost = await office.store.read(lambda c: list_lost(c, limit=10))
    await office.finish(result_of_claim(claim))
    await office.desk.write(lambda tx: rescue(tx, lost))
    assert (await office.state(claim.id), await office.all_of(attempt)) == (State.SUCCEEDED, [])


async def test_a_journaled_success_ends_what_was_rescued_and_not_claimed_again(running: Running) -> None:
    claim = await running.start()
    await running.lose()
    written = await running.office.finish(result_of_claim(claim))
    assert (await running.office.state(claim.id), written.late) == (State.SUCCEEDED, ())


async def test_a_journaled_failure_ends_it_too_and_its_gate(running: Running) -> None:
    claim = await running.start(Policies(max_parallel=1))
    await running.lose()
    await running.office.finish(result_of_claim(claim, state=State.FAILED, reason=Reason.NOT_RETRYABLE))
    assert (await running.office.state(claim.id), await running.office.all_of(gate_entry)) == (State.FAILED, [])


async def test_a_second_replay_changes_nothing(running: Running) -> None:
    claim = await running.start()
    await running.lose()
    for _ in range(2):
        written = await running.office.finish(result_of_claim(claim))
    evidence = [row for row in await running.office.all_of(attempt) if row.evidence]
    assert (written.late, evidence, await running.office.state(claim.id)) == ((), [], State.SUCCEEDED)


async def test_a_late_success_of_what_was_claimed_again_is_evidence_only(running: Running) -> None:
    claim = await running.start()
    await running.lose()
    await running.office.claim((claim.id, claim.fence + 1), session=OTHER)
    written = await running.office.finish(result_of_claim(claim))
    evidence = [row.no for row in await running.office.all_of(attempt) if row.evidence]
    assert (written.late, evidence) == ((claim.id,), [1])
    assert (await running.office.row(claim.id)).holder == OTHER


@pytest.mark.parametrize("state", [State.PENDING, State.TIMED_OUT, State.CANCELLED, State.UNKNOWN])
async def test_only_a_success_or_a_failure_is_taken_late(running: Running, state: State) -> None:
    claim = await running.start()
    await running.lose()
    reason = {State.PENDING: "retry", State.CANCELLED: "asked"}.get(state, "attempt_timeout")
    written = await running.office.finish(result_of_claim(claim, state=state, reason=reason, not_before=NOON))
    assert (written.late, await running.office.state(claim.id)) == ((claim.id,), State.PENDING)


async def test_a_late_result_never_wakes_the_dead(running: Running) -> None:
    claim = await running.start(ONE_ATTEMPT)
    await running.lose()
    await running.office.finish(result_of_claim(claim))
    assert await running.office.state(claim.id) is State.FAILED


async def test_a_wait_for_a_retry_outlives_its_worker(running: Running) -> None:
    claim = await running.start()
    later = NOON + 7 * SECOND
    await running.office.finish(result_of_claim(claim, state=State.PENDING, reason=Reason.RETRY, not_before=later))
    await running.lose()
    assert ((await running.office.row(claim.id)).not_before, await running.office.state(claim.id)) == (
        later,
        State.PENDING,
    )


async def test_a_rescue_marks_that_an_answer_was_lost(running: Running) -> None:
    claim = await running.start(Policies(execution_timeout=timedelta(hours=1)))
    await running.lose()
    assert (await running.office.row(claim.id)).flags & Flag.UNCLEAR


async def test_a_cancel_whose_grace_is_over_ends_the_run_over_its_holders_head(running: Running) -> None:
    claim = await running.start()
    watch = CancelWatch(desk=running.office.desk, grace_micros=0)
    await running.office.desk.write(lambda tx: cancel(tx, [claim.id]))
    for _ in range(2):
        await watch.run_once()
    row = await running.office.row(claim.id)
    assert (row.state, row.fence) == (State.CANCELLED, claim.fence + 1)


async def test_within_its_grace_a_cancelled_run_is_left_to_its_holder(running: Running) -> None:
    claim = await running.start()
    watch = CancelWatch(desk=running.office.desk, grace_micros=60 * SECOND)
    await running.office.desk.write(lambda tx: cancel(tx, [claim.id]))
    for _ in range(2):
        await watch.run_once()
    assert await running.office.state(claim.id) is State.RUNNING


@pytest.mark.parametrize(("marked", "state"), [(False, State.PENDING), (True, State.UNKNOWN)])
async def test_a_definition_that_cannot_be_read_keeps_nobody_from_being_rescued(
    running: Running, marked: bool, state: State
) -> None:
    claim, other = await running.start(AT_MOST_ONCE), await running.start()
    office, hot = running.office, running.office.store.hot
    if marked:
        await office.store.write(lambda c: hot.mark(c, [(claim.id, ME, claim.fence)]))
    unreadable = update(task_revision).where(task_revision.c.task_id == claim.task_id).values(definition='{"name": 7}')
    await office.store.write(lambda c: c.execute(unreadable))
    office.reopen(office.store)  # with nothing in memory
    await running.lose()
    assert (await office.state(claim.id), await office.state(other.id)) == (state, State.PENDING)
