import pytest
from structlog.testing import capture_logs

from distributedjob.store.errors import StoreUnavailable
from distributedjob.telemetry import events as module
from distributedjob.telemetry.events import FAILURES_PER_SECOND, Events

AWAY = StoreUnavailable("the database cannot be reached")


@pytest.fixture
def clock(monkeypatch):
    """Seconds that the test sets."""

    class Clock:
        now = 1000.0

        def monotonic(self) -> float:
            return self.now

    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def fail(events: Events, times: int) -> None:
    for number in range(times):
        events.execution_failed(execution_id=number, task_id=1, state="failed", reason="not_retryable", message="")


def test_an_outage_that_many_parts_meet_is_one_line(clock):
    events = Events()
    with capture_logs() as lines:
        events.database_away(AWAY)
        events.beat_failed(AWAY)
        events.pass_failed("expirer", AWAY, failures=1)

    assert [line["event"] for line in lines] == ["the database is away; waiting for it"]


def test_the_end_of_an_outage_says_how_long_it_was(clock):
    events = Events()
    events.database_away(AWAY)
    clock.now += 12.5
    with capture_logs() as lines:
        events.database_back()

    assert [(line["event"], line["away_seconds"]) for line in lines] == [("the database is back", 12.5)]


def test_without_an_outage_nothing_is_back(clock):
    with capture_logs() as lines:
        Events().database_back()

    assert lines == []


def test_of_many_failures_in_a_second_a_few_are_named(clock):
    with capture_logs() as lines:
        fail(Events(), 1000)

    assert len(lines) == FAILURES_PER_SECOND


def test_the_failures_that_were_not_named_are_counted(clock):
    events = Events()
    fail(events, 1000)
    clock.now += 1
    with capture_logs() as lines:
        fail(events, 1)

    assert (lines[0]["event"], lines[0]["executions"]) == (
        "more executions did not succeed",
        1000 - FAILURES_PER_SECOND,
    )


def test_facts_of_a_process_stand_in_every_line(clock):
    with capture_logs() as lines:
        Events(node="a-1").ready(url="", seconds=0.1)

    assert lines[0]["node"] == "a-1"
