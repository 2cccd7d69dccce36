"""Under a stop switch no call begins: what is claimed all the same is given back uncalled, for some seconds."""

import pytest

from distributedjob.model.execution import Claimed, Hint, State
from distributedjob.model.instant import SECOND
from distributedjob.model.policies import Delivery, Policies, RetryPolicy
from distributedjob.model.stop import Scope, Stop
from distributedjob.rules.stops import Stops
from distributedjob.targets.urls import origin_of
from distributedjob.worker.runner import STOPPED_PAUSE
from support.http_target import Answer, Hang
from support.shop import Shop
from support.waiting import until


def stop(shop: Shop, scope: Scope, subject: str = "") -> None:
    shop.office.desk.board.present = Stops([Stop(1, scope, subject, "incident", "me", 0, None)])


def stop_target(shop: Shop) -> None:
    stop(shop, Scope.TARGET, origin_of(shop.target.url()))


def lift(shop: Shop) -> None:
    shop.office.desk.board.present = Stops()


async def run_stopped(shop: Shop, policies: Policies | None = None) -> Claimed:
    """A fire that was recorded as claimed before its target was stopped, and starts after."""
    recorded = await shop.record(policies)
    stop_target(shop)
    shop.worker.start(recorded.claimed, definitions=recorded.definitions)
    await shop.written()
    return recorded.claimed[0]


async def pending(shop: Shop) -> Hint:
    row = await shop.office.run_by_hand(await shop.office.add_task())
    return Hint(row.id, 0, row.not_before, "default")


@pytest.mark.parametrize(
    ("scope", "subject"), [(Scope.CLUSTER, ""), (Scope.DEPARTMENT, "1"), (Scope.QUEUE, "default"), (Scope.TARGET, "")]
)
async def test_what_was_claimed_before_is_given_back_uncalled(shop: Shop, scope: Scope, subject: str) -> None:
    recorded = await shop.record()
    stop(shop, scope, subject or (origin_of(shop.target.url()) if scope is Scope.TARGET else ""))
    shop.worker.start(recorded.claimed, definitions=recorded.definitions)
    (claim,) = recorded.claimed
    assert await shop.outcome(claim) == (State.PENDING, "released")
    row = await shop.office.row(claim.id)
    assert (row.attempt, row.not_before - shop.office.now, shop.target.requests) == (0, STOPPED_PAUSE, [])


async def test_it_runs_when_the_switch_is_lifted(shop: Shop) -> None:
    claim = await run_stopped(shop)
    lift(shop)
    again = await shop.again(claim)
    assert await shop.outcome(again) == (State.SUCCEEDED, "ok")


async def test_the_start_mark_of_an_at_most_once_call_is_not_set(shop: Shop) -> None:
    claim = await run_stopped(shop, Policies(delivery=Delivery.AT_MOST_ONCE))
    assert not (await shop.office.row(claim.id)).marked


async def test_a_call_in_the_air_goes_on(shop: Shop) -> None:
    shop.target.answers(Hang())
    claim = await shop.run()
    await shop.called()
    stop_target(shop)
    assert (await shop.office.row(claim.id)).state == State.RUNNING


async def test_a_fallback_is_stopped_by_its_own_address(shop: Shop) -> None:
    shop.target.answers(Answer(status=500))
    main = shop.target.url("/run").replace("127.0.0.1", "localhost")
    claim = await shop.run(Policies(retry=RetryPolicy(max_attempts=1)), url=main)
    await shop.written()
    stop_target(shop)
    again = await shop.again(claim)
    assert await shop.outcome(again) == (State.PENDING, "released")
    assert len(shop.target.requests) == 1


@pytest.mark.parametrize(("scope", "subject"), [(Scope.CLUSTER, ""), (Scope.QUEUE, "default"), (Scope.DEPARTMENT, "1")])
async def test_nothing_is_claimed_by_hint_or_pull(closed_shop: Shop, scope: Scope, subject: str) -> None:
    stop(closed_shop, scope, subject)
    hint = await pending(closed_shop)
    closed_shop.open("intake")
    closed_shop.worker.intake.hint(hint)
    await until(lambda: not closed_shop.worker.intake.waiting and closed_shop.worker.slots.used == 0)
    assert await closed_shop.worker.intake.pull() == (0, False)
    assert await closed_shop.office.state(hint.id) == State.PENDING


async def test_another_queue_is_served(closed_shop: Shop) -> None:
    stop(closed_shop, Scope.QUEUE, "other")
    await pending(closed_shop)
    pulled, _ = await closed_shop.worker.intake.pull()
    assert pulled == 1


async def test_the_pull_finds_what_waited_when_the_switch_is_lifted(closed_shop: Shop) -> None:
    stop(closed_shop, Scope.CLUSTER)
    await pending(closed_shop)
    await closed_shop.worker.intake.pull()
    lift(closed_shop)
    pulled, _ = await closed_shop.worker.intake.pull()
    assert pulled == 1


async def test_the_pull_rests_while_only_a_stopped_department_waits(closed_shop: Shop) -> None:
    stop(closed_shop, Scope.DEPARTMENT, "1")
    await closed_shop.worker.intake.pull()
    await pending(closed_shop)
    lift(closed_shop)
    at_once, _ = await closed_shop.worker.intake.pull()
    closed_shop.office.now += 2 * SECOND
    later, _ = await closed_shop.worker.intake.pull()
    assert (at_once, later) == (0, 1)
