"""What an execution becomes after an attempt, or after the loss of its worker."""

from dataclasses import replace
from datetime import timedelta

import pytest

from distributedjob.model.execution import Flag, Reason, State
from distributedjob.model.instant import SECOND
from distributedjob.model.outcome import Answer, Answered, NotSent, Outcome, Unclear
from distributedjob.model.policies import Delivery, Policies
from distributedjob.rules.verdict import Run, Verdict, after_attempt, after_loss

NOW = 1_000 * SECOND
PLAIN = Run(Policies(), has_fallback=False, attempt=1, started_at=NOW - SECOND)
LAST = replace(PLAIN, attempt=3)
WITH_FALLBACK = replace(LAST, has_fallback=True)
ON_FALLBACK = replace(WITH_FALLBACK, attempt=4)
ONCE = replace(PLAIN, policies=Policies(delivery=Delivery.AT_MOST_ONCE))

OK = Answered(Answer(200), accepted=True)
BUSY = Answered(Answer(503), accepted=False)
WRONG = Answered(Answer(404), accepted=False)
TIMEOUT = Unclear("timeout", "", timed_out=True)
LOST = Unclear("connection_lost", "")
REFUSED = NotSent("connect_failed", "")
RELEASED = NotSent("released", "")


def after(run: Run, outcome: Outcome) -> tuple[State, Reason | None]:
    verdict = after_attempt(run, outcome, now=NOW, chance=0.5)
    return verdict.state, verdict.reason


@pytest.mark.parametrize(
    ("run", "outcome", "expected"),
    [
        (PLAIN, OK, (State.SUCCEEDED, Reason.OK)),
        (PLAIN, BUSY, (State.PENDING, Reason.RETRY)),
        (PLAIN, LOST, (State.PENDING, Reason.RETRY)),
        (PLAIN, TIMEOUT, (State.PENDING, Reason.RETRY)),
        (PLAIN, REFUSED, (State.PENDING, Reason.RETRY)),
        (PLAIN, WRONG, (State.FAILED, Reason.NOT_RETRYABLE)),
        (LAST, BUSY, (State.FAILED, Reason.ATTEMPTS_USED_UP)),
        (LAST, LOST, (State.FAILED, Reason.ATTEMPTS_USED_UP)),
        (LAST, TIMEOUT, (State.TIMED_OUT, Reason.ATTEMPT_TIMEOUT)),
        (WITH_FALLBACK, BUSY, (State.PENDING, Reason.RETRY)),
        (WITH_FALLBACK, WRONG, (State.FAILED, Reason.NOT_RETRYABLE)),
        (ON_FALLBACK, OK, (State.SUCCEEDED, Reason.OK)),
        (ON_FALLBACK, BUSY, (State.FAILED, Reason.ATTEMPTS_USED_UP)),
        (ON_FALLBACK, TIMEOUT, (State.TIMED_OUT, Reason.ATTEMPT_TIMEOUT)),
        (ONCE, OK, (State.SUCCEEDED, Reason.OK)),
        (ONCE, BUSY, (State.FAILED, Reason.NOT_RETRYABLE)),
        (ONCE, LOST, (State.UNKNOWN, Reason.ANSWER_LOST)),
        (ONCE, TIMEOUT, (State.UNKNOWN, Reason.ATTEMPT_TIMEOUT)),
        (ONCE, REFUSED, (State.PENDING, Reason.RETRY)),
    ],
)
def test_an_attempt_decides_what_comes_next(run: Run, outcome: Outcome, expected: tuple[State, Reason]) -> None:
    assert after(run, outcome) == expected


def test_only_what_was_not_sent_leads_an_at_most_once_task_to_its_fallback() -> None:
    once = replace(WITH_FALLBACK, policies=ONCE.policies)
    assert [after(once, outcome)[0] for outcome in (REFUSED, LOST)] == [State.PENDING, State.UNKNOWN]


def test_a_release_gives_the_attempt_back_and_is_due_at_once() -> None:
    verdict = after_attempt(LAST, RELEASED, now=NOW, chance=0.5)
    assert verdict == Verdict(State.PENDING, Reason.RELEASED, not_before=NOW, given_back=True)


def test_the_fallback_is_due_at_once() -> None:
    assert after_attempt(WITH_FALLBACK, BUSY, now=NOW, chance=0.5).not_before == NOW


def test_a_retry_waits() -> None:
    assert after_attempt(PLAIN, BUSY, now=NOW, chance=0.5).not_before == NOW + SECOND


def test_a_target_says_how_long_to_wait() -> None:
    busy = Answered(Answer(503, headers=(("Retry-After", "9"),)), accepted=False)
    assert after_attempt(PLAIN, busy, now=NOW, chance=0.5).not_before == NOW + 9 * SECOND


def test_no_retry_begins_after_the_time_for_all_attempts() -> None:
    run = replace(PLAIN, policies=Policies(execution_timeout=timedelta(seconds=2)))
    assert after(run, BUSY) == (State.TIMED_OUT, Reason.EXECUTION_TIMEOUT)


def test_a_retry_that_begins_in_time_is_made() -> None:
    run = replace(PLAIN, policies=Policies(execution_timeout=timedelta(seconds=3)))
    assert after(run, BUSY) == (State.PENDING, Reason.RETRY)


@pytest.mark.parametrize(("outcome", "flag"), [(LOST, Flag.UNCLEAR), (BUSY, Flag.NONE)])
def test_a_lost_answer_is_remembered(outcome: Outcome, flag: Flag) -> None:
    assert after_attempt(PLAIN, outcome, now=NOW, chance=0.5).flags == flag


@pytest.mark.parametrize(
    ("outcome", "flag"), [(OK, Flag.FALLBACK), (BUSY, Flag.FALLBACK), (REFUSED, Flag.NONE), (RELEASED, Flag.NONE)]
)
def test_a_call_of_the_fallback_is_flagged(outcome: Outcome, flag: Flag) -> None:
    assert after_attempt(ON_FALLBACK, outcome, now=NOW, chance=0.5).flags == flag


def loss(run: Run, *, marked: bool = False, cancel_asked: bool = False) -> Verdict:
    return after_loss(run, marked=marked, cancel_asked=cancel_asked, now=NOW)


def test_after_the_loss_of_its_worker_it_is_due_at_once() -> None:
    assert loss(PLAIN) == Verdict(State.PENDING, Reason.RESCUED, not_before=NOW, flags=Flag.UNCLEAR)


def test_without_attempts_left_the_loss_is_its_end() -> None:
    assert (loss(LAST).state, loss(LAST).reason) == (State.FAILED, Reason.WORKER_LOST)


def test_with_a_fallback_left_it_goes_on() -> None:
    assert loss(WITH_FALLBACK).state is State.PENDING


def test_the_loss_of_the_fallbacks_worker_is_its_end() -> None:
    assert (loss(ON_FALLBACK).state, loss(ON_FALLBACK).flags) == (State.FAILED, Flag.FALLBACK)


def test_a_mark_says_that_it_may_have_been_called() -> None:
    assert (loss(ONCE, marked=True).state, loss(ONCE).state) == (State.UNKNOWN, State.PENDING)


def test_without_a_mark_the_attempt_is_given_back() -> None:
    assert loss(ONCE).given_back


@pytest.mark.parametrize("run", [PLAIN, LAST, WITH_FALLBACK, ON_FALLBACK, ONCE])
def test_a_cancel_that_was_asked_is_granted(run: Run) -> None:
    assert loss(run, marked=True, cancel_asked=True).state is State.CANCELLED
