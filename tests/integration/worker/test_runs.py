"""One attempt, from its claim to its result: looked at once more before the first byte, called once, ended once."""

import asyncio
import re
from datetime import timedelta

import pytest

from distributedjob.dispatch.port import CancelAsked
from distributedjob.model.execution import Flag, Reason, State
from distributedjob.model.instant import HOUR
from distributedjob.model.policies import Delivery, Policies, RetryPolicy
from distributedjob.services.ending import cancel
from distributedjob.services.rescue import rescue
from distributedjob.store.runs import list_running
from distributedjob.store.tables import attempt, output
from distributedjob.worker.worker import CancelLook
from support.http_target import Answer, Close, Hang
from support.office import ME
from support.shop import SLOTS, Shop
from support.waiting import until

ONCE = Policies(delivery=Delivery.AT_MOST_ONCE)
QUICK = timedelta(seconds=0.3)


async def test_a_success_is_recorded_with_its_answer(shop: Shop) -> None:
    claim = await shop.run()
    assert await shop.outcome(claim) == (State.SUCCEEDED, Reason.OK)
    row = await shop.office.row(claim.id)
    assert (row.status, row.sent_at, len(await shop.office.all_of(output))) == (200, shop.office.now, 1)


async def test_a_call_says_who_it_is(shop: Shop) -> None:
    claim = await shop.run()
    await shop.called()
    (request,) = shop.target.requests
    named = {name: request.header(f"x-distributedjob-{name}") for name in ("execution", "attempt", "fire-at", "task")}
    assert named == {
        "execution": str(claim.id),
        "attempt": "1",
        "fire-at": "2027-01-15T12:00:00Z",
        "task": str(claim.task_id),
    }


async def test_the_trace_context_is_well_formed(shop: Shop) -> None:
    await shop.run()
    await shop.called()
    parent = shop.target.requests[0].header("traceparent")
    assert re.fullmatch(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01", parent or "")


async def test_a_retry_carries_the_same_key_and_a_new_number(shop: Shop) -> None:
    shop.target.answers(Answer(status=503))
    claim = await shop.run()
    assert await shop.outcome(claim) == (State.PENDING, Reason.RETRY)
    again = await shop.again(claim)
    assert await shop.outcome(again) == (State.SUCCEEDED, Reason.OK)
    keys = {request.header("idempotency-key") for request in shop.target.requests}
    numbers = [request.header("x-distributedjob-attempt") for request in shop.target.requests]
    assert (len(keys), numbers) == (1, ["1", "2"])


async def test_the_fallback_is_another_system_with_another_key(shop: Shop) -> None:
    shop.target.answers(Answer(status=503))
    claim = await shop.run(Policies(retry=RetryPolicy(max_attempts=1)))
    await shop.outcome(claim)
    assert await shop.outcome(await shop.again(claim)) == (State.SUCCEEDED, Reason.OK)
    first, second = shop.target.requests
    key = first.header("idempotency-key")
    assert (second.path, second.header("idempotency-key")) == ("/fallback", f"{key}-fallback")
    assert (await shop.office.row(claim.id)).flags & Flag.FALLBACK


async def test_a_node_that_is_not_fresh_calls_nobody(shop: Shop) -> None:
    shop.membership.fresh = False
    claim = await shop.run()
    assert (await shop.outcome(claim), shop.target.requests) == ((State.PENDING, Reason.RELEASED), [])
    assert ((await shop.office.row(claim.id)).attempt, shop.worker.slots.used) == (0, 0)


async def test_past_its_deadline_nobody_is_called(shop: Shop) -> None:
    recorded = await shop.record()
    shop.office.now += HOUR
    shop.worker.start(recorded.claimed, definitions=recorded.definitions)
    assert (await shop.outcome(recorded.claimed[0]), shop.target.requests) == ((State.PENDING, Reason.RELEASED), [])


async def test_when_the_time_for_all_attempts_is_over_nobody_is_called(shop: Shop) -> None:
    recorded = await shop.record(Policies(execution_timeout=timedelta(seconds=5)))
    shop.office.now += 5_000_000
    shop.worker.start(recorded.claimed, definitions=recorded.definitions)
    outcome = await shop.outcome(recorded.claimed[0])
    assert (outcome, shop.target.requests) == ((State.TIMED_OUT, Reason.EXECUTION_TIMEOUT), [])


async def test_a_hanging_target_is_given_up_after_the_timeout(shop: Shop) -> None:
    shop.target.default = Hang()
    claim = await shop.run(Policies(timeout=QUICK, retry=RetryPolicy(max_attempts=1, table={})))
    await shop.outcome(claim)
    (row,) = await shop.office.all_of(attempt)
    assert (row.outcome, row.reason) == ("unclear", "timeout")


async def test_a_cancel_closes_an_open_call(shop: Shop) -> None:
    shop.target.default = Hang()
    claim = await shop.run()
    await shop.called()
    await shop.office.desk.write(lambda tx: cancel(tx, [claim.id]))
    await shop.worker.look_for_cancels()
    assert await shop.outcome(claim) == (State.CANCELLED, Reason.ASKED)


async def test_a_cancel_before_the_call_spares_the_target(closed_shop: Shop) -> None:
    claim = await closed_shop.run()
    await closed_shop.office.desk.write(lambda tx: cancel(tx, [claim.id]))
    await closed_shop.worker.look_for_cancels()
    closed_shop.open()
    outcome = await closed_shop.outcome(claim)
    assert (outcome, closed_shop.target.requests) == ((State.CANCELLED, Reason.ASKED), [])


async def test_a_cancel_for_another_node_is_not_ours(shop: Shop) -> None:
    shop.target.default = Answer(delay_seconds=0.3)
    claim = await shop.run()
    await shop.called()
    assert not CancelLook(shop.worker).concerns(CancelAsked(claim.id + 1))
    assert await shop.outcome(claim) == (State.SUCCEEDED, Reason.OK)


async def test_word_of_a_cancel_that_nobody_asked_for_closes_nothing(shop: Shop) -> None:
    shop.target.default = Answer(delay_seconds=0.3)
    claim = await shop.run()
    await shop.called()
    look = CancelLook(shop.worker)
    assert look.concerns(CancelAsked(claim.id))
    await look.run_once()
    assert await shop.outcome(claim) == (State.SUCCEEDED, Reason.OK)


async def test_one_claim_is_run_once_whatever_says_it_twice(shop: Shop) -> None:
    recorded = await shop.record()
    shop.worker.take_slots(1)
    for _ in range(2):
        shop.worker.start(recorded.claimed, definitions=recorded.definitions)
    await shop.outcome(recorded.claimed[0])
    assert (len(shop.target.requests), shop.worker.slots.used) == (1, 0)


async def test_what_was_disowned_is_never_started(shop: Shop) -> None:
    recorded = await shop.record()
    (claim,) = recorded.claimed
    shop.worker.runner.disown([(claim.id, claim.fence)])
    shop.worker.start(recorded.claimed, definitions=recorded.definitions)
    assert (shop.worker.runner.running, shop.worker.slots.used, await shop.office.state(claim.id)) == (
        {},
        0,
        State.RUNNING,
    )


async def test_a_target_that_cannot_be_made_ends_its_execution(shop: Shop) -> None:
    claim = await shop.run(url="http://{{ params.host }}/")
    assert (await shop.outcome(claim), shop.worker.slots.used) == ((State.FAILED, Reason.INVALID_TARGET), 0)


async def test_a_definition_that_is_gone_ends_its_execution(shop: Shop) -> None:
    recorded = await shop.record()
    shop.worker.start(recorded.claimed, definitions={})
    assert await shop.outcome(recorded.claimed[0]) == (State.FAILED, Reason.INVALID_TARGET)


async def test_a_fault_of_the_program_in_one_call_harms_no_other(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(shop.caller, "call", broken)
    broken_claim = await shop.run(Policies(retry=RetryPolicy(max_attempts=1)))
    await shop.outcome(broken_claim)
    monkeypatch.undo()
    assert await shop.outcome(await shop.run()) == (State.SUCCEEDED, Reason.OK)
    assert [row.reason for row in await shop.office.all_of(attempt)] == ["internal"]


async def test_an_at_most_once_call_is_marked_before_its_first_byte(shop: Shop) -> None:
    marks: list[int] = []

    def look(_request: object) -> Answer:
        marks.append(1)
        return Answer(delay_seconds=0.3)

    shop.target.rule = look
    claim = await shop.run(ONCE)
    await until(lambda: marks)
    assert bool((await shop.office.row(claim.id)).marked)


async def test_without_its_mark_nobody_is_called(shop: Shop) -> None:
    recorded = await shop.record(ONCE)
    (claim,) = recorded.claimed
    await shop.office.desk.write(lambda tx: rescue(tx, list_running(tx.connection, [claim.id])))
    shop.worker.start(recorded.claimed, definitions=recorded.definitions)
    await shop.written()
    assert (shop.target.requests, (await shop.office.row(claim.id)).attempt) == ([], 0)


@pytest.mark.parametrize("reply", [Close(), Hang()], ids=["closed", "hanging"])
async def test_an_at_most_once_call_without_an_answer_is_unknown(shop: Shop, reply: Close | Hang) -> None:
    shop.target.default = reply
    claim = await shop.run(Policies(delivery=Delivery.AT_MOST_ONCE, timeout=QUICK))
    state, _ = await shop.outcome(claim)
    assert (state, len(shop.target.requests)) == (State.UNKNOWN, 1)


async def test_an_at_most_once_release_clears_the_mark(shop: Shop) -> None:
    shop.membership.fresh = False
    claim = await shop.run(ONCE)
    await shop.outcome(claim)
    assert not (await shop.office.row(claim.id)).marked


async def test_a_late_result_is_kept_as_evidence(shop: Shop) -> None:
    shop.target.default = Answer(delay_seconds=0.4)
    claim = await shop.run()
    await shop.called()
    await shop.office.desk.write(lambda tx: rescue(tx, list_running(tx.connection, [claim.id])))
    await shop.office.claim((claim.id, claim.fence + 1), session=ME + 1)
    await shop.written()
    row = await shop.office.row(claim.id)
    evidence = [(one.no, one.status) for one in await shop.office.all_of(attempt) if one.evidence]
    assert (row.state, row.holder, evidence) == (State.RUNNING, ME + 1, [(1, 200)])


async def test_every_slot_comes_back_whatever_happens(shop: Shop) -> None:
    shop.target.answers(Answer(), Answer(status=503), Close())
    for url in (None, None, None, "http://127.0.0.1:1/", "http://{{ params.host }}/"):
        await shop.outcome(await shop.run(Policies(timeout=QUICK), url=url))
    assert (shop.worker.slots.used, shop.worker.slots.free) == (0, SLOTS)


async def drained(shop: Shop, *, seconds: float, hurry: bool = False):
    told = asyncio.Event()
    if hurry:
        told.set()
    return await shop.worker.drain(seconds=seconds, hurry=told)


async def test_a_drain_lets_calls_end(shop: Shop) -> None:
    shop.target.default = Answer(delay_seconds=0.3)
    claim = await shop.run()
    await shop.called()
    done = await drained(shop, seconds=10)
    assert ((done.cut, done.released), await shop.outcome(claim)) == ((0, 0), (State.SUCCEEDED, Reason.OK))


async def test_a_drain_cuts_what_does_not_end(shop: Shop) -> None:
    shop.target.default = Hang()
    claim = await shop.run()
    await shop.called()
    done = await drained(shop, seconds=0.1)
    assert ((done.cut, done.released), await shop.outcome(claim)) == ((1, 0), (State.PENDING, Reason.RETRY))


async def test_an_at_most_once_call_that_is_cut_ends_unknown(shop: Shop) -> None:
    shop.target.default = Hang()
    claim = await shop.run(ONCE)
    await shop.called()
    await drained(shop, seconds=0)
    assert (await shop.outcome(claim))[0] is State.UNKNOWN


async def test_a_second_signal_skips_the_waiting(shop: Shop) -> None:
    shop.target.default = Hang()
    claim = await shop.run()
    await shop.called()
    async with asyncio.timeout(5):
        await drained(shop, seconds=60, hurry=True)
    assert (await shop.outcome(claim))[0] is State.PENDING


async def test_a_drain_takes_no_new_work(shop: Shop) -> None:
    await drained(shop, seconds=0)
    assert shop.worker.take_slots(5).free == 0


async def test_a_drain_gives_back_what_was_not_begun(closed_shop: Shop) -> None:
    claim = await closed_shop.run()
    closed_shop.open()
    done = await drained(closed_shop, seconds=5)
    assert (done.released, closed_shop.target.requests) == (1, [])
    assert (await closed_shop.outcome(claim), (await closed_shop.office.row(claim.id)).attempt) == (
        (State.PENDING, Reason.RELEASED),
        0,
    )
