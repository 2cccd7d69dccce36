"""The oracle itself, against fires counted by hand."""

from datetime import UTC, datetime

from rig.facts import SECOND
from rig.oracle import Cron, Interval, due_fires

MIDNIGHT = round(datetime(2026, 11, 24, tzinfo=UTC).timestamp()) * SECOND  # a Tuesday


def seconds(timing: Cron | Interval, *, after: float, until: float) -> list[float]:
    fires = due_fires(timing, after=MIDNIGHT + round(after * SECOND), until=MIDNIGHT + round(until * SECOND))
    return sorted((fire - MIDNIGHT) / SECOND for fire in fires)


def test_every_second_is_due_each_second() -> None:
    assert seconds(Cron("* * * * * *"), after=0, until=3) == [1, 2, 3]


def test_the_first_instant_is_excluded_and_the_last_included() -> None:
    assert seconds(Cron("* * * * * *"), after=0.5, until=2.9) == [1, 2]


def test_a_step_of_seconds_starts_at_zero() -> None:
    assert seconds(Cron("*/20 * * * * *"), after=-1, until=70) == [0, 20, 40, 60]


def test_lists_and_ranges_of_seconds() -> None:
    assert seconds(Cron("1,10-14/2 * * * * *"), after=0, until=59) == [1, 10, 12, 14]


def test_five_fields_fire_at_the_full_minute() -> None:
    assert seconds(Cron("*/2 * * * *"), after=0, until=300) == [120, 240]


def test_a_weekday_of_seven_is_sunday() -> None:
    assert seconds(Cron("0 0 * * 7"), after=0, until=6 * 86400) == [5 * 86400]


def test_two_restricted_day_fields_match_either() -> None:
    assert seconds(Cron("0 0 26 * 3"), after=0, until=5 * 86400) == [86400, 2 * 86400]


def test_a_day_field_that_begins_with_a_star_restricts_the_other() -> None:
    assert seconds(Cron("0 0 */2 * 3"), after=0, until=5 * 86400) == [86400]


def test_an_interval_counts_from_its_anchor() -> None:
    assert seconds(Interval(2, MIDNIGHT + SECOND // 4), after=0.25, until=6.25) == [2.25, 4.25, 6.25]


def test_an_interval_has_no_fire_before_its_anchor() -> None:
    assert seconds(Interval(2, MIDNIGHT + 5 * SECOND), after=0, until=8) == [5, 7]
