"""Whether a failed attempt is tried again, and after what wait.

The default table follows the meaning of the statuses (RFC 9110, RFC 6585, RFC 8470): what a server says may
pass is tried again, what it says is wrong is not.
"""

from datetime import timedelta
from email.utils import parsedate_to_datetime

from distributedjob.model.instant import Instant, micros, to_datetime
from distributedjob.model.outcome import Answered, NotSent, Outcome, Unclear
from distributedjob.model.policies import RetryPolicy, RetryVerdict

RETRIED_STATUSES = frozenset({408, 425, 429})
LONGEST_DATE = 64
LONGEST_WAIT = 86_400 * 365
HOPELESS_STATUSES = frozenset({501, 505})


def verdict_of(outcome: Outcome, policy: RetryPolicy) -> RetryVerdict:
    """Look the outcome up in the task's own table, then in the default one."""
    for key in _keys(outcome):
        if key in policy.table:
            return policy.table[key]
    return _default(outcome)


def _keys(outcome: Outcome) -> tuple[str, ...]:
    match outcome:
        case NotSent():
            return ("not_sent",)
        case Unclear():
            return ("unclear",)
        case Answered(answer=answer):
            return (str(answer.status), f"{answer.status // 100}xx", "rejected")


def _default(outcome: Outcome) -> RetryVerdict:
    match outcome:
        case NotSent(reason="egress_denied" | "render_failed"):
            return RetryVerdict.FAIL
        case NotSent() | Unclear():
            return RetryVerdict.RETRY
        case Answered(answer=answer):
            status = answer.status
            passing = status in RETRIED_STATUSES or (status >= 500 and status not in HOPELESS_STATUSES)
            return RetryVerdict.RETRY if passing else RetryVerdict.FAIL


def backoff(policy: RetryPolicy, *, failed_attempts: int, chance: float) -> timedelta:
    """Full jitter: `chance` (0 ≤ chance < 1) of base × 2ⁿ, capped, with n counted from 0."""
    ceiling = min(policy.cap, policy.base * 2 ** min(failed_attempts - 1, 40)) if failed_attempts > 0 else policy.base
    return ceiling * chance


def wait_after(
    outcome: Outcome, policy: RetryPolicy, *, failed_attempts: int, chance: float, retry_after: timedelta | None
) -> int:
    """The wait before the next attempt in microseconds; `retry_after` is what the target asked for."""
    if isinstance(outcome, Unclear) and outcome.reason == "stale_connection":
        return 0
    wait = backoff(policy, failed_attempts=failed_attempts, chance=chance)
    if retry_after is not None:
        wait = max(wait, min(retry_after, policy.cap))
    return micros(wait)


def parse_retry_after(text: str | None, *, now: Instant) -> timedelta | None:
    """Retry-After as seconds or as an HTTP date (RFC 9110); anything else is ignored."""
    if text is None or len(text) > LONGEST_DATE:
        return None
    if text.strip().isdecimal():
        return timedelta(seconds=min(int(text), LONGEST_WAIT))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else max(timedelta(0), moment - to_datetime(now))
