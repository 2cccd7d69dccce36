"""A bench that misjudges is worse than none: what counts as late, lost and doubled, and which rung is reported."""

from dataclasses import replace

import pytest
from bench.arrivals import Arrival, Verdict, judge
from bench.load import Load, all_at, evenly, every_second
from bench.report import Figure, at_least, at_most
from bench.scenarios.sustained import climb
from bench.settings import QUICK
from bench.trial import Trial

from distributedjob.model.instant import SECOND
from distributedjob.store.codec import decode_schedule
from distributedjob.timing.timetable import next_fire

T0 = 1_800_000_000 * SECOND
RUNGS = [1_000, 2_000, 3_000, 4_000]


def arrival(task: int, *, fire_at: int = T0, late_ms: int = 5) -> Arrival:
    return Arrival(fire_at + late_ms * 1_000, fire_at, execution_id=task + 1, task=task, attempt=1)


def trial(*, p99: float = 10.0, lost: int = 0) -> Trial:
    return Trial(Verdict(100, lost, 0, 1.0, p99, p99), cores=1.0, cpu_us_per_execution=100.0, resident_mb=100.0)


def test_a_fire_that_never_came_is_lost() -> None:
    assert judge([arrival(0)], expected={(0, T0), (1, T0)}).lost == 1


def test_a_lost_fire_is_later_than_any() -> None:
    assert judge([arrival(0)], expected={(0, T0), (1, T0)}).last == float("inf")


def test_a_second_call_of_one_fire_is_doubled() -> None:
    assert judge([arrival(0), arrival(0, late_ms=9)], expected={(0, T0)}).doubled == 1


def test_lateness_is_that_of_the_first_call() -> None:
    assert judge([arrival(0, late_ms=3), arrival(0, late_ms=900)], expected={(0, T0)}).last == 3.0


def test_fires_outside_the_window_are_not_looked_at() -> None:
    assert judge([arrival(0), arrival(7, late_ms=500)], expected={(0, T0)}).last == 5.0


@pytest.mark.parametrize("load", [every_second(3, first_at=T0), evenly(4, first_at=T0), all_at(2, first_at=T0)])
def test_a_load_owes_what_its_schedules_fire(load: Load) -> None:
    from bench.load import _schedules

    until = load.first_at + 4 * SECOND
    owed = set()
    for number, row in enumerate(_schedules(load)):
        at = row[5]
        while at is not None and at < until:
            owed.add((number, at))
            at = next_fire(decode_schedule(row[-1]), at)
    assert load.fires(load.first_at, until) == owed


def test_a_window_that_begins_between_fires_starts_with_the_next() -> None:
    assert every_second(1, first_at=T0).fires(T0 + 1, T0 + 2 * SECOND) == {(0, T0 + SECOND)}


def test_the_ladder_reports_the_highest_rung_that_holds() -> None:
    best, _ = climb(
        RUNGS, start=2_000, mode=QUICK, attempt=lambda rate, _: trial(p99=10.0 if rate < 4_000 else 2_000.0)
    )
    assert best == 3_000


def test_the_ladder_goes_down_when_its_start_does_not_hold() -> None:
    best, _ = climb(RUNGS, start=3_000, mode=QUICK, attempt=lambda rate, _: trial(lost=0 if rate == 1_000 else 1))
    assert best == 1_000


def test_a_rung_that_holds_for_a_moment_only_is_not_reported() -> None:
    full = replace(QUICK, sustained_seconds=60)
    best, _ = climb(
        RUNGS,
        start=2_000,
        mode=full,
        attempt=lambda rate, seconds: trial(p99=2_000.0 if rate * seconds > 120_000 else 1.0),
    )
    assert best == 2_000


def test_a_ladder_without_a_rung_that_holds_reports_none() -> None:
    assert climb(RUNGS, start=2_000, mode=QUICK, attempt=lambda *_: trial(lost=1))[0] == 0


def test_a_figure_on_its_target_holds() -> None:
    assert Figure("rate", 3_000, "executions/s", at_least(3_000)).holds


def test_a_figure_beyond_its_target_does_not_hold() -> None:
    assert not Figure("last call", 4.1, "s", at_most(4)).holds
