"""Ends that nobody's call brings: a cancel, a deadline; and results that meet a cancel on their way."""

from collections import deque

import pytest

from distributedjob.dispatch.port import CancelAsked, RoomMade
from distributedjob.model.execution import Reason, State
from distributedjob.model.instant import HOUR, SECOND
from distributedjob.model.policies import Delivery, Policies
from distributedjob.scheduler.expirer import Expirer
from distributedjob.services.ending import cancel
from distributedjob.services.results import take_batch
from distributedjob.store.endings import FIRST, list_waiting
from distributedjob.store.tables import attempt, failure, gate_entry, output
from support.office import ME, NOON, Office, result_of_claim

RETRY = {"state": State.PENDING, "reason": Reason.RETRY, "not_before": NOON + SECOND}
RELEASE = {"state": State.PENDING, "reason": Reason.RELEASED, "not_before": NOON, "given_back": 1}


async def test_cancelling_a_pending_one_ends_it_at_once(office: Office) -> None:
    run = await office.run_by_hand(await office.add_task())
    await office.desk.write(lambda tx: cancel(tx, [run.id]))
    row = await office.row(run.id)
    assert (row.state, row.reason, row.ended_at) == (State.CANCELLED, Reason.ASKED, NOON)


async def test_a_cancelled_execution_cannot_be_claimed(office: Office) -> None:
    run = await office.run_by_hand(await office.add_task())
    await office.desk.write(lambda tx: cancel(tx, [run.id]))
    assert await office.claim((run.id, 0)) == []


async def test_cancelling_a_running_one_asks_its_holder(office: Office) -> None:
    run = await office.run_by_hand(await office.add_task())
    await office.claim((run.id, 0))
    await office.desk.write(lambda tx: cancel(tx, [run.id]))
    row = await office.row(run.id)
    assert (row.state, bool(row.cancel_asked), CancelAsked(run.id) in office.heard) == (State.RUNNING, True, True)


async def test_cancelling_what_has_ended_changes_nothing(office: Office) -> None:
    run = await office.run_by_hand(await office.add_task())
    (claim,) = await office.claim((run.id, 0))
    await office.finish(result_of_claim(claim))
    await office.desk.write(lambda tx: cancel(tx, [run.id]))
    row = await office.row(run.id)
    assert (row.state, bool(row.cancel_asked)) == (State.SUCCEEDED, False)


@pytest.mark.parametrize("change", [RETRY, RELEASE], ids=["a retry", "a release"])
async def test_what_would_go_on_is_cancelled_where_that_was_asked(office: Office, change: dict[str, object]) -> None:
    run = await office.run_by_hand(await office.add_task(policies=Policies(max_parallel=1)))
    (claim,) = await office.claim((run.id, 0))
    await office.desk.write(lambda tx: cancel(tx, [run.id]))
    office.heard.clear()
    await office.finish(result_of_claim(claim, **change))
    row = await office.row(run.id)
    assert (row.state, row.reason, await office.all_of(gate_entry)) == (State.CANCELLED, Reason.ASKED, [])
    assert (office.hints(), any(isinstance(item, RoomMade) for item in office.heard)) == ([], True)


async def test_a_success_that_commits_first_wins_over_a_cancel(office: Office) -> None:
    run = await office.run_by_hand(await office.add_task())
    (claim,) = await office.claim((run.id, 0))
    await office.desk.write(lambda tx: cancel(tx, [run.id]))
    await office.finish(result_of_claim(claim))
    assert await office.state(run.id) is State.SUCCEEDED


async def test_no_mark_is_set_once_a_cancel_was_asked(office: Office) -> None:
    run = await office.run_by_hand(await office.add_task(policies=Policies(delivery=Delivery.AT_MOST_ONCE)))
    (claim,) = await office.claim((run.id, 0))
    await office.desk.write(lambda tx: cancel(tx, [run.id]))
    assert await office.store.write(lambda c: office.store.hot.mark(c, [(claim.id, ME, claim.fence)])) == set()


async def test_a_cancelled_one_leaves_a_word_for_the_list_of_failures(office: Office) -> None:
    run = await office.run_by_hand(await office.add_task())
    await office.desk.write(lambda tx: cancel(tx, [run.id]))
    (row,) = await office.all_of(failure)
    assert (row.execution_id, row.state, row.reason) == (run.id, State.CANCELLED, Reason.ASKED)


async def test_past_its_deadline_a_waiting_execution_expires(office: Office) -> None:
    run = await office.run_by_hand(await office.add_task(policies=Policies(max_parallel=1)))
    blocked = await office.run_by_hand(run.task_id)
    office.now += HOUR
    await Expirer(desk=office.desk).run_once()
    rows = [await office.row(id_) for id_ in (run.id, blocked.id)]
    assert [(row.state, row.reason) for row in rows] == [(State.EXPIRED, Reason.DEADLINE)] * 2
    assert await office.all_of(gate_entry) == []


async def test_before_its_deadline_it_does_not(office: Office) -> None:
    run = await office.run_by_hand(await office.add_task())
    office.now += HOUR - 1
    await Expirer(desk=office.desk).run_once()
    assert await office.state(run.id) is State.PENDING


async def test_a_deadline_ends_no_run(office: Office) -> None:
    run = await office.run_by_hand(await office.add_task())
    await office.claim((run.id, 0))
    office.now += 2 * HOUR
    await Expirer(desk=office.desk).run_once()
    assert await office.state(run.id) is State.RUNNING


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_a_walk_by_pages_meets_every_waiting_execution_once(office: Office, limit: int) -> None:
    ids = []
    for priority, limited in ((5, None), (0, 1), (9, None)):
        task_id = await office.add_task(policies=Policies(priority=priority, max_parallel=limited))
        ids += [(await office.run_by_hand(task_id)).id for _ in range(3)]
        office.now += SECOND
    await office.claim((ids.pop(), 0))
    met, place = [], FIRST
    while page := await office.store.read(lambda c, p=place: list_waiting(c, after=p, limit=limit)):
        met += [found.id for found in page]
        place = page[-1]
    assert sorted(met) == sorted(ids)


async def test_what_is_late_in_a_great_backlog_is_found_page_by_page(office: Office) -> None:
    task_id = await office.add_task()
    for _ in range(5):
        await office.run_by_hand(task_id)
        office.now += SECOND
    office.now = NOON + HOUR + 2 * SECOND
    expirer = Expirer(desk=office.desk, page=2)
    goes_on = [await expirer.run_once() for _ in range(3)]
    expired = [state is State.EXPIRED for state, _ in await office.states(task_id)]
    assert (goes_on, expired) == ([True, True, False], [True, True, True, False, False])


async def test_past_its_deadline_nothing_is_claimed(office: Office) -> None:
    run = await office.run_by_hand(await office.add_task())
    office.now += HOUR
    assert await office.claim((run.id, 0)) == []


async def test_a_release_gives_the_attempt_number_back(office: Office) -> None:
    run = await office.run_by_hand(await office.add_task())
    (claim,) = await office.claim((run.id, 0))
    await office.finish(result_of_claim(claim, **RELEASE))
    row = await office.row(run.id)
    assert (row.attempt, await office.all_of(attempt)) == (0, [])


async def test_after_a_release_the_attempt_has_the_same_number_and_a_higher_fence(office: Office) -> None:
    run = await office.run_by_hand(await office.add_task())
    (claim,) = await office.claim((run.id, 0))
    await office.finish(result_of_claim(claim, **RELEASE))
    (again,) = await office.claim((run.id, claim.fence))
    assert (again.attempt, again.fence) == (claim.attempt, claim.fence + 1)


async def test_a_retry_is_hinted_for_its_time(office: Office) -> None:
    run = await office.run_by_hand(await office.add_task())
    (claim,) = await office.claim((run.id, 0))
    office.heard.clear()
    await office.finish(result_of_claim(claim, **RETRY))
    assert [(hint.id, hint.fence, hint.not_before) for hint in office.hints()] == [(run.id, 1, NOON + SECOND)]


async def test_a_result_without_the_right_fence_ends_nothing(office: Office) -> None:
    run = await office.run_by_hand(await office.add_task())
    (claim,) = await office.claim((run.id, 0))
    written = await office.finish(result_of_claim(claim, fence=claim.fence - 1))
    assert (written.late, await office.state(run.id)) == ((run.id,), State.RUNNING)


async def test_a_result_of_another_holder_ends_nothing(office: Office) -> None:
    run = await office.run_by_hand(await office.add_task())
    (claim,) = await office.claim((run.id, 0))
    written = await office.finish(result_of_claim(claim, session=ME + 1))
    assert (written.late, await office.state(run.id)) == ((run.id,), State.RUNNING)


async def test_as_many_heavy_answers_as_a_batch_may_hold_are_stored(office: Office) -> None:
    task_id = await office.add_task()
    runs = [await office.run_by_hand(task_id) for _ in range(60)]
    results = [result_of_claim(claim) for claim in await office.claim(*((run.id, 0) for run in runs))]
    body = '\\"' * 43_000
    waiting = deque(one._replace(output=one.output._replace(body=body)) for one in results)  # type: ignore[union-attr]
    batches = 0
    while waiting:
        await office.finish(*take_batch(waiting, limit=500))
        batches += 1
    stored = await office.all_of(output)
    assert (batches > 1, {row.body == body for row in stored}, len(stored)) == (True, {True}, 60)
