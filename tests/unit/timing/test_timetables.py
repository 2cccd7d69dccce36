from datetime import timedelta

import pytest

from distributedjob.model.instant import HOUR, MAX_INSTANT, MINUTE, SECOND, from_rfc3339
from distributedjob.model.schedule import CronTiming, IntervalFrom, IntervalTiming, OnceTiming, Schedule
from distributedjob.timing.fields import CronError
from distributedjob.timing.timetable import next_fire, next_fire_after_end, previous_fire, timetable_of
from distributedjob.timing.zones import ZoneError

NOON = from_rfc3339("2026-05-01T12:00:00Z")
EVERY_90_S = IntervalTiming(timedelta(seconds=90), NOON)
AFTER_END = IntervalTiming(timedelta(minutes=10), NOON, IntervalFrom.END)
HOURLY = CronTiming("0 * * * *")


def schedule(timing, **fields):
    return Schedule(1, timing, seed=5, **fields)


def test_the_first_fire_of_an_interval_is_its_anchor():
    assert timetable_of(EVERY_90_S, seed=0).next_after(NOON - HOUR) == NOON


def test_an_interval_fires_at_multiples_from_its_anchor():
    assert timetable_of(EVERY_90_S, seed=0).next_after(NOON + 100 * SECOND) == NOON + 180 * SECOND


def test_the_next_fire_of_an_interval_is_strictly_after():
    assert timetable_of(EVERY_90_S, seed=0).next_after(NOON) == NOON + 90 * SECOND


def test_the_previous_fire_of_an_interval_is_strictly_before():
    assert timetable_of(EVERY_90_S, seed=0).previous_before(NOON + 90 * SECOND) == NOON


def test_an_interval_has_no_fire_before_its_anchor():
    assert timetable_of(EVERY_90_S, seed=0).previous_before(NOON) is None


def test_an_interval_ends_with_the_last_instant_there_is():
    assert timetable_of(EVERY_90_S, seed=0).next_after(MAX_INSTANT) is None


@pytest.mark.parametrize("every", [timedelta(0), timedelta(seconds=-1)])
def test_an_interval_must_be_positive(every):
    with pytest.raises(ValueError, match="must be positive"):
        timetable_of(IntervalTiming(every, NOON), seed=0)


def test_once_fires_once():
    assert timetable_of(OnceTiming(NOON), seed=0).next_after(NOON - 1) == NOON


def test_once_does_not_fire_again():
    assert timetable_of(OnceTiming(NOON), seed=0).next_after(NOON) is None


def test_once_is_found_looking_back():
    assert timetable_of(OnceTiming(NOON), seed=0).previous_before(NOON + 1) == NOON


def test_an_interval_from_the_end_starts_at_its_anchor():
    assert next_fire(schedule(AFTER_END), NOON - HOUR) == NOON


def test_an_interval_from_the_end_follows_the_end():
    assert next_fire_after_end(schedule(AFTER_END), NOON + 7 * SECOND) == NOON + 7 * SECOND + 10 * MINUTE


def test_an_interval_from_the_end_never_fires_before_its_anchor():
    assert next_fire_after_end(schedule(AFTER_END), NOON - 3 * HOUR) == NOON


def test_an_interval_from_the_end_waits_a_full_interval_after_a_pause():
    assert next_fire(schedule(AFTER_END), NOON + HOUR) == NOON + HOUR + 10 * MINUTE


def test_an_interval_from_the_end_starts_when_its_window_opens():
    assert next_fire(schedule(AFTER_END, start_at=NOON + HOUR), NOON) == NOON + HOUR


def test_an_interval_from_the_end_ends_with_its_window():
    assert next_fire_after_end(schedule(AFTER_END, end_at=NOON + HOUR), NOON + 55 * MINUTE) is None


def test_only_an_interval_from_the_end_follows_an_end():
    with pytest.raises(TypeError):
        next_fire_after_end(schedule(EVERY_90_S), NOON)


def test_the_start_of_the_window_can_fire():
    assert next_fire(schedule(HOURLY, start_at=NOON), NOON - 9 * HOUR) == NOON


def test_nothing_fires_before_the_window():
    assert next_fire(schedule(HOURLY, start_at=NOON + 1), NOON - 9 * HOUR) == NOON + HOUR


def test_the_end_of_the_window_does_not_fire():
    assert next_fire(schedule(HOURLY, end_at=NOON), NOON - 1) is None


def test_the_last_fire_before_the_end_of_the_window_fires():
    assert next_fire(schedule(HOURLY, end_at=NOON + 1), NOON - 1) == NOON


def test_looking_back_stops_at_the_end_of_the_window():
    assert previous_fire(schedule(HOURLY, end_at=NOON), NOON + 9 * HOUR) == NOON - HOUR


def test_looking_back_finds_the_start_of_the_window():
    assert previous_fire(schedule(HOURLY, start_at=NOON), NOON + 1) == NOON


def test_looking_back_finds_nothing_before_the_window():
    assert previous_fire(schedule(HOURLY, start_at=NOON), NOON) is None


def test_cron_finds_nothing_before_1970():
    assert timetable_of(HOURLY, seed=0).previous_before(0) is None


def test_cron_finds_the_first_fire_of_1970_from_before():
    assert timetable_of(CronTiming("* * * * *"), seed=0).next_after(-5 * HOUR) == 0


def test_cron_finds_nothing_after_2199():
    assert timetable_of(HOURLY, seed=0).next_after(from_rfc3339("2199-12-31T23:30:00Z")) is None


def test_cron_looks_back_from_beyond_2199():
    found = timetable_of(CronTiming("0 0 * * *"), seed=0).previous_before(from_rfc3339("2300-01-01T00:00:00Z"))
    assert found == from_rfc3339("2199-12-31T00:00:00Z")


def test_a_timetable_without_h_is_shared_by_all_seeds():
    assert timetable_of(HOURLY, seed=1) is timetable_of(HOURLY, seed=2)


def test_a_timetable_with_h_depends_on_the_seed():
    timing = CronTiming("H H * * *")
    assert timetable_of(timing, seed=1).next_after(NOON) != timetable_of(timing, seed=2).next_after(NOON)


def test_an_unknown_zone_is_refused_with_a_suggestion():
    with pytest.raises(ZoneError, match=r"'Europe/Berln' is not a time zone; .* did you mean Europe/Berlin"):
        timetable_of(CronTiming("0 0 * * *", time_zone="Europe/Berln"), seed=0)


@pytest.mark.parametrize(
    "name", ["", "localtime", "../../etc/passwd", "/usr/share/zoneinfo/UTC", "posix/UTC", "x" * 5000, "Europe"]
)
def test_names_that_are_no_zones_are_refused(name):
    with pytest.raises(ZoneError, match="is not a time zone"):
        timetable_of(CronTiming("0 0 * * *", time_zone=name), seed=0)


def test_a_seed_that_picks_an_impossible_date_is_refused():
    timing = CronTiming("0 0 H(30-31) 2 *")
    with pytest.raises(CronError, match="never fires"):
        timetable_of(timing, seed=0)
