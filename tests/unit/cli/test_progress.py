"""An execution in one line."""

import pytest

from distributedjob.cli.progress import describe
from distributedjob.model.instant import SECOND, from_rfc3339

NOON = "2026-03-01T12:00:00Z"


@pytest.mark.parametrize(
    ("execution", "line"),
    [
        ({"state": "running", "attempt": 2}, "running, attempt 2"),
        ({"state": "running", "attempt": 1, "cancel_asked": True}, "running, attempt 1: asked to cancel"),
        ({"state": "blocked", "reason": "overlap"}, "blocked (overlap): waits for other executions of its task"),
        ({"state": "succeeded", "reason": "ok", "attempt": 1}, "succeeded"),
        ({"state": "succeeded", "reason": "ok", "attempt": 3}, "succeeded after 3 attempts"),
        ({"state": "failed", "reason": "not_retryable", "attempt": 1}, "failed (not_retryable)"),
        (
            {"state": "missed", "reason": "restored", "range_count": 7, "range_end": NOON},
            f"missed (restored): 7 fires until {NOON}",
        ),
        ({"state": "pending", "attempt": 0, "not_before": NOON}, f"pending: starts not before {NOON}"),
        (
            {"state": "pending", "attempt": 1, "reason": "retry", "not_before": NOON},
            f"pending (retry): attempt 1 did not succeed, the next one not before {NOON}",
        ),
    ],
)
def test_the_line_says_where_it_stands(execution, line):
    assert describe(execution, now=None) == line


def test_a_wait_is_counted_down():
    execution = {"state": "pending", "attempt": 1, "reason": "retry", "not_before": NOON}
    line = describe(execution, now=from_rfc3339(NOON) - 3 * SECOND)
    assert line == "pending (retry): attempt 1 did not succeed, the next one in 3.0 s"


def test_a_wait_that_is_over_waits_for_a_worker():
    execution = {"state": "pending", "attempt": 0, "not_before": NOON}
    assert describe(execution, now=from_rfc3339(NOON)) == "pending: starts as soon as a worker is free"


def test_a_call_is_counted_up():
    execution = {"state": "running", "attempt": 1, "sent_at": NOON}
    assert describe(execution, now=from_rfc3339(NOON) + 2 * SECOND) == "running, attempt 1, for 2.0 s"
