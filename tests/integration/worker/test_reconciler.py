"""What the database says a session runs, and the session does not know, is ended by it: given back, or as lost."""

from distributedjob.model.execution import Reason, State
from distributedjob.model.policies import Delivery, Policies
from distributedjob.services.ending import cancel
from distributedjob.store.runs import list_held
from distributedjob.store.tables import attempt
from support.http_target import Hang
from support.office import ME, OTHER, result_of_claim
from support.shop import Shop

ONCE = Policies(delivery=Delivery.AT_MOST_ONCE)


async def looks(shop: Shop, count: int = 2) -> None:
    for _ in range(count):
        await shop.worker.reconciler.run_once()


async def test_a_claim_whose_answer_was_lost_is_given_back_at_the_second_look(shop: Shop) -> None:
    (claim,) = (await shop.record()).claimed
    await looks(shop, 1)
    first = await shop.office.state(claim.id)
    await looks(shop, 1)
    row = await shop.office.row(claim.id)
    assert (first, row.state, row.reason, row.attempt) == (State.RUNNING, State.PENDING, Reason.RELEASED, 0)


async def test_an_answer_that_comes_after_all_starts_nothing(shop: Shop) -> None:
    recorded = await shop.record()
    await looks(shop)
    shop.worker.start(recorded.claimed, definitions=recorded.definitions)
    assert (shop.worker.runner.running, shop.worker.slots.used) == ({}, 0)


async def test_an_answer_that_comes_between_the_looks_is_in_time(shop: Shop) -> None:
    recorded = await shop.record()
    await looks(shop, 1)
    shop.target.default = Hang()
    shop.worker.start(recorded.claimed, definitions=recorded.definitions)
    await looks(shop, 2)
    assert await shop.office.state(recorded.claimed[0].id) is State.RUNNING


async def test_what_is_running_is_left_alone(shop: Shop) -> None:
    shop.target.default = Hang()
    claim = await shop.run()
    await looks(shop, 3)
    assert await shop.office.state(claim.id) is State.RUNNING


async def test_what_another_session_runs_is_left_alone(shop: Shop) -> None:
    run = await shop.office.run_by_hand(await shop.office.add_task())
    await shop.office.claim((run.id, 0), session=OTHER)
    await looks(shop, 3)
    assert await shop.office.state(run.id) is State.RUNNING


async def test_a_start_mark_proves_that_it_may_have_been_called(shop: Shop) -> None:
    (claim,) = (await shop.record(ONCE)).claimed
    hot = shop.office.store.hot
    await shop.office.store.write(lambda c: hot.mark(c, [(claim.id, ME, claim.fence)]))
    await looks(shop)
    assert await shop.office.state(claim.id) is State.UNKNOWN


async def test_a_result_that_cannot_be_stored_ends_as_a_lost_answer(shop: Shop) -> None:
    (claim,) = (await shop.record()).claimed
    unstorable = result_of_claim(claim, flags=None)
    shop.worker.finisher.add(unstorable)
    await shop.worker.finisher.flushed()
    await looks(shop)
    row = await shop.office.row(claim.id)
    (lost,) = await shop.office.all_of(attempt)
    assert (row.state, row.reason, row.attempt, lost.outcome) == (State.PENDING, Reason.RESCUED, 1, "lost")


async def test_a_cancel_that_was_asked_is_granted_instead_of_a_release(shop: Shop) -> None:
    (claim,) = (await shop.record()).claimed
    await shop.office.desk.write(lambda tx: cancel(tx, [claim.id]))
    await looks(shop)
    assert await shop.office.state(claim.id) is State.CANCELLED


async def test_at_the_end_of_a_session_one_look_is_enough(shop: Shop) -> None:
    (claim,) = (await shop.record()).claimed
    await shop.worker.reconciler.run_last()
    row = await shop.office.row(claim.id)
    assert (row.state, row.attempt) == (State.PENDING, 0)


async def test_a_later_claim_of_the_same_execution_is_left_alone(shop: Shop) -> None:
    """Rescued and claimed again by this very session between the look and the write."""
    office, hot = shop.office, shop.office.store.hot
    (claim,) = (await shop.record(ONCE)).claimed
    await office.store.write(lambda c: hot.mark(c, [(claim.id, ME, claim.fence)]))
    held = await office.store.read(lambda c: list_held(c, ME))
    lost = result_of_claim(claim, state=State.PENDING, reason=Reason.RETRY, not_before=office.now)
    await office.finish(lost)
    (later,) = await office.claim((claim.id, claim.fence))
    await office.desk.write(lambda tx: shop.worker.reconciler._give_back(tx, held))
    row = await office.row(claim.id)
    assert (row.state, row.fence) == (State.RUNNING, later.fence)
