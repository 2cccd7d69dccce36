"""Which failures are tried again, and after what wait."""

from datetime import timedelta

import pytest

from distributedjob.model.instant import SECOND, from_rfc3339
from distributedjob.model.outcome import Answer, Answered, NotSent, Outcome, Unclear
from distributedjob.model.policies import RetryPolicy, RetryVerdict
from distributedjob.rules.retry import backoff, parse_retry_after, verdict_of, wait_after

NOW = from_rfc3339("2026-11-24T12:00:00Z")
POLICY = RetryPolicy()


def answered(status: int) -> Outcome:
    return Answered(Answer(status), accepted=False)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_is_tried_again(status: int) -> None:
    assert verdict_of(answered(status), POLICY) is RetryVerdict.RETRY


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 409, 410, 422, 501, 505, 200])
def test_what_will_not_pass_is_not(status: int) -> None:
    assert verdict_of(answered(status), POLICY) is RetryVerdict.FAIL


@pytest.mark.parametrize("outcome", [NotSent("connect_failed", ""), Unclear("timeout", "", timed_out=True)])
def test_what_got_no_answer_is_tried_again(outcome: Outcome) -> None:
    assert verdict_of(outcome, POLICY) is RetryVerdict.RETRY


@pytest.mark.parametrize("reason", ["egress_denied", "render_failed"])
def test_what_this_program_refuses_stays_refused(reason: str) -> None:
    assert verdict_of(NotSent(reason, ""), POLICY) is RetryVerdict.FAIL


@pytest.mark.parametrize(
    ("table", "outcome"),
    [
        ({"404": RetryVerdict.RETRY}, answered(404)),
        ({"4xx": RetryVerdict.RETRY}, answered(418)),
        ({"rejected": RetryVerdict.RETRY}, answered(200)),
        ({"4xx": RetryVerdict.FAIL, "404": RetryVerdict.RETRY}, answered(404)),
    ],
)
def test_a_task_may_say_otherwise_the_closer_word_first(table: dict[str, RetryVerdict], outcome: Outcome) -> None:
    assert verdict_of(outcome, RetryPolicy(table=table)) is RetryVerdict.RETRY


@pytest.mark.parametrize(("key", "outcome"), [("unclear", Unclear("x", "")), ("not_sent", NotSent("x", ""))])
def test_a_task_may_refuse_to_repeat_what_got_no_answer(key: str, outcome: Outcome) -> None:
    assert verdict_of(outcome, RetryPolicy(table={key: RetryVerdict.FAIL})) is RetryVerdict.FAIL


@pytest.mark.parametrize(("failed", "seconds"), [(1, 2), (2, 4), (3, 8), (8, 256), (9, 300), (500, 300)])
def test_the_wait_doubles_up_to_its_cap(failed: int, seconds: int) -> None:
    assert backoff(POLICY, failed_attempts=failed, chance=1) == timedelta(seconds=seconds)


def test_chance_spreads_the_whole_wait() -> None:
    waits = [backoff(POLICY, failed_attempts=2, chance=chance) for chance in (0, 0.5)]
    assert waits == [timedelta(0), timedelta(seconds=2)]


def wait(outcome: Outcome, *, chance: float = 0.5, retry_after: timedelta | None = None) -> int:
    return wait_after(outcome, POLICY, failed_attempts=1, chance=chance, retry_after=retry_after)


def test_a_stale_connection_is_no_reason_to_wait() -> None:
    assert wait(Unclear("stale_connection", "")) == 0


def test_a_fresh_connection_that_was_lost_is() -> None:
    assert wait(Unclear("connection_lost", "")) == SECOND


def test_a_target_may_ask_for_a_longer_wait() -> None:
    assert wait(answered(503), retry_after=timedelta(seconds=60)) == 60 * SECOND


def test_it_may_not_ask_for_more_than_the_cap() -> None:
    assert wait(answered(503), retry_after=timedelta(hours=9)) == 300 * SECOND


def test_it_may_not_shorten_the_wait() -> None:
    assert wait(answered(503), retry_after=timedelta(0)) == SECOND


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("Tue, 24 Nov 2026 12:01:30 GMT", 90),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0),
        ("Tuesday, 24-Nov-26 12:00:05 GMT", 5),
        ("99999999999999999999", 365 * 86_400),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(text: str, seconds: int) -> None:
    assert parse_retry_after(text, now=NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", [None, "", "soon", "-5", "1.5", "Tue, 99 Nov 2026", "9" * 65])
def test_anything_else_is_ignored(text: str | None) -> None:
    assert parse_retry_after(text, now=NOW) is None
