"""What an execution becomes after an attempt, or after its worker was lost."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from distributedjob.model.execution import Flag, Reason, State
from distributedjob.model.instant import Instant, micros
from distributedjob.model.outcome import Answered, NotSent, Outcome, Unclear
from distributedjob.model.policies import Delivery, Policies, RetryVerdict
from distributedjob.rules.retry import parse_retry_after, verdict_of, wait_after


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where the execution goes. `not_before` is set for `pending`; `given_back` returns the attempt number."""

    state: State
    reason: Reason | None
    not_before: Instant | None = None
    given_back: bool = False
    flags: Flag = Flag.NONE


@dataclass(frozen=True, slots=True)
class Run:
    """What a verdict needs to know of the execution. `attempt` is the number of the attempt that just ended."""

    policies: Policies
    has_fallback: bool
    attempt: int
    started_at: Instant
    flags: Flag = Flag.NONE

    @property
    def on_fallback(self) -> bool:
        return self.attempt > self.policies.retry.max_attempts


SUCCEEDED = Verdict(State.SUCCEEDED, Reason.OK)


def after_attempt(run: Run, outcome: Outcome, *, now: Instant, chance: float) -> Verdict:
    """Decide after one attempt. `chance` (0 ≤ chance < 1) spreads the wait."""
    if isinstance(outcome, NotSent) and outcome.reason == "released":
        return released(not_before=now)
    verdict = _after_attempt(run, outcome, now=now, chance=chance)
    if run.on_fallback and not isinstance(outcome, NotSent):
        return replace(verdict, flags=verdict.flags | Flag.FALLBACK)
    return verdict


def _after_attempt(run: Run, outcome: Outcome, *, now: Instant, chance: float) -> Verdict:
    if isinstance(outcome, Answered) and outcome.accepted:
        return SUCCEEDED
    if run.policies.delivery is Delivery.AT_MOST_ONCE and not isinstance(outcome, NotSent):
        return _at_most_once(outcome)
    if verdict_of(outcome, run.policies.retry) is RetryVerdict.FAIL:
        return Verdict(State.FAILED, Reason.NOT_RETRYABLE)
    if run.on_fallback or run.attempt >= run.policies.retry.max_attempts:
        return _used_up(run, outcome, now=now)
    return _retry(run, outcome, now=now, chance=chance)


def _at_most_once(outcome: Answered | Unclear) -> Verdict:
    match outcome:
        case Answered():
            return Verdict(State.FAILED, Reason.NOT_RETRYABLE)
        case Unclear(timed_out=True):
            return Verdict(State.UNKNOWN, Reason.ATTEMPT_TIMEOUT)
        case Unclear():
            return Verdict(State.UNKNOWN, Reason.ANSWER_LOST)


def _used_up(run: Run, outcome: Outcome, *, now: Instant) -> Verdict:
    if run.has_fallback and not run.on_fallback:
        return Verdict(State.PENDING, Reason.RETRY, not_before=now, flags=_mark(outcome))
    if isinstance(outcome, Unclear) and outcome.timed_out:
        return Verdict(State.TIMED_OUT, Reason.ATTEMPT_TIMEOUT)
    return Verdict(State.FAILED, Reason.ATTEMPTS_USED_UP)


def _retry(run: Run, outcome: Outcome, *, now: Instant, chance: float) -> Verdict:
    headers: Mapping[str, str] = {}
    if isinstance(outcome, Answered):
        headers = {name.lower(): value for name, value in outcome.answer.headers}
    wait = wait_after(
        outcome,
        run.policies.retry,
        failed_attempts=run.attempt,
        chance=chance,
        retry_after=parse_retry_after(headers.get("retry-after"), now=now),
    )
    limit = run.policies.execution_timeout
    if limit is not None and now + wait >= run.started_at + micros(limit):
        return Verdict(State.TIMED_OUT, Reason.EXECUTION_TIMEOUT)
    return Verdict(State.PENDING, Reason.RETRY, not_before=now + wait, flags=_mark(outcome))


def _mark(outcome: Outcome) -> Flag:
    return Flag.UNCLEAR if isinstance(outcome, Unclear) else Flag.NONE


def released(*, not_before: Instant) -> Verdict:
    """Given back uncalled: no byte was written, so the attempt number is given back too."""
    return Verdict(State.PENDING, Reason.RELEASED, not_before=not_before, given_back=True)


def after_loss(run: Run, *, marked: bool, cancel_asked: bool, now: Instant) -> Verdict:
    """Decide for an execution whose worker died, or lost track of it, before it recorded a result."""
    if cancel_asked:
        return Verdict(State.CANCELLED, Reason.ASKED)
    if run.policies.delivery is Delivery.AT_MOST_ONCE:
        if marked:
            return Verdict(State.UNKNOWN, Reason.WORKER_LOST)
        return Verdict(State.PENDING, Reason.RESCUED, not_before=now, given_back=True)
    last = run.on_fallback or (run.attempt >= run.policies.retry.max_attempts and not run.has_fallback)
    if last:
        flags = Flag.FALLBACK if run.on_fallback else Flag.NONE
        return Verdict(State.FAILED, Reason.WORKER_LOST, flags=flags)
    return Verdict(State.PENDING, Reason.RESCUED, not_before=now, flags=Flag.UNCLEAR)
