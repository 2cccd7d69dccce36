"""What happens when the clocks jump, worked out by hand."""

import pytest

from distributedjob.model.schedule import GapRule, RepeatRule
from support.firing import fires, fires_until

NEW_YORK = {"zone": "America/New_York"}
SPRING = {"after": "2026-03-08T00:00:00-05:00", "until": "2026-03-09T00:00:00-04:00", **NEW_YORK}
AUTUMN = {"after": "2026-11-01T00:00:00-04:00", "until": "2026-11-02T00:00:00-05:00", **NEW_YORK}


def test_a_fire_in_the_gap_runs_at_the_transition():
    assert fires_until("30 2 * * *", **SPRING) == ["2026-03-08T03:00:00-04:00"]


def test_a_fire_in_the_gap_can_be_skipped():
    assert fires_until("30 2 * * *", **SPRING, dst_gap=GapRule.SKIP) == []


def test_a_fire_in_the_gap_can_shift_by_the_gap():
    assert fires_until("30 2 * * *", **SPRING, dst_gap=GapRule.SHIFT_BY_GAP) == ["2026-03-08T03:30:00-04:00"]


def test_many_fires_in_the_gap_are_one_fire_at_the_transition():
    assert fires_until("0-59/10 2 * * *", **SPRING) == ["2026-03-08T03:00:00-04:00"]


def test_a_moved_fire_that_meets_another_is_one_fire():
    assert fires_until("30 2,3 * * *", **SPRING, dst_gap=GapRule.SHIFT_BY_GAP) == ["2026-03-08T03:30:00-04:00"]


def test_shifted_fires_mix_with_those_of_the_hour_after():
    assert fires_until("0,30 2 * * *", **SPRING, dst_gap=GapRule.SHIFT_BY_GAP) == [
        "2026-03-08T03:00:00-04:00",
        "2026-03-08T03:30:00-04:00",
    ]


def test_the_first_time_after_the_gap_needs_no_rule():
    assert fires_until("0 3 * * *", **SPRING, dst_gap=GapRule.SKIP) == ["2026-03-08T03:00:00-04:00"]


def test_the_date_of_an_entry_counts_in_the_gap():
    assert fires_until("30 2 9 3 *", **SPRING) == []


def test_seconds_in_the_gap_are_one_fire_at_the_transition():
    assert fires_until("* 30 2 * * *", **SPRING) == ["2026-03-08T03:00:00-04:00"]


def test_a_repeated_time_fires_the_first_time():
    assert fires_until("30 1 * * *", **AUTUMN) == ["2026-11-01T01:30:00-04:00"]


def test_a_repeated_time_can_fire_the_second_time():
    assert fires_until("30 1 * * *", **AUTUMN, dst_repeat=RepeatRule.SECOND) == ["2026-11-01T01:30:00-05:00"]


def test_a_repeated_time_can_fire_both_times():
    assert fires_until("30 1 * * *", **AUTUMN, dst_repeat=RepeatRule.BOTH) == [
        "2026-11-01T01:30:00-04:00",
        "2026-11-01T01:30:00-05:00",
    ]


def test_the_time_at_which_the_clock_goes_back_occurs_once():
    assert fires_until("0 2 * * *", **AUTUMN, dst_repeat=RepeatRule.BOTH) == ["2026-11-01T02:00:00-05:00"]


def test_the_time_to_which_the_clock_goes_back_occurs_twice():
    assert fires_until("0 1 * * *", **AUTUMN, dst_repeat=RepeatRule.SECOND) == ["2026-11-01T01:00:00-05:00"]


def test_every_thirty_minutes_of_a_repeated_hour_fire_four_times():
    assert fires_until("*/30 1 * * *", **AUTUMN) == [
        "2026-11-01T01:00:00-04:00",
        "2026-11-01T01:30:00-04:00",
        "2026-11-01T01:00:00-05:00",
        "2026-11-01T01:30:00-05:00",
    ]


def test_a_list_of_minutes_in_a_repeated_hour_is_a_list_of_fixed_times():
    assert fires_until("0,30 1 * * *", **AUTUMN) == ["2026-11-01T01:00:00-04:00", "2026-11-01T01:30:00-04:00"]


def test_an_hour_range_is_a_list_of_fixed_times():
    assert fires_until("30 0-3 * * *", **AUTUMN) == [
        "2026-11-01T00:30:00-04:00",
        "2026-11-01T01:30:00-04:00",
        "2026-11-01T02:30:00-05:00",
        "2026-11-01T03:30:00-05:00",
    ]


def test_an_hourly_entry_keeps_its_rhythm_through_the_gap():
    assert fires("0 * * * *", after="2026-03-08T01:30:00-05:00", count=2, **NEW_YORK) == [
        "2026-03-08T03:00:00-04:00",
        "2026-03-08T04:00:00-04:00",
    ]


def test_an_entry_with_a_rhythm_has_no_fire_for_a_missing_hour():
    assert fires_until("*/15 2 * * *", **SPRING) == []


def test_every_second_hour_shows_what_the_clock_shows():
    assert fires("0 */2 * * *", after="2026-11-01T00:30:00-04:00", count=2, **NEW_YORK) == [
        "2026-11-01T02:00:00-05:00",
        "2026-11-01T04:00:00-05:00",
    ]


def test_every_second_of_the_repeated_hour_has_one_fire():
    assert len(fires_until("* * 1 * * *", **AUTUMN)) == 7200


def test_lord_howe_repeats_half_an_hour():
    assert fires("*/20 * * * *", after="2026-04-05T01:10:00+11:00", count=4, zone="Australia/Lord_Howe") == [
        "2026-04-05T01:20:00+11:00",
        "2026-04-05T01:40:00+11:00",
        "2026-04-05T01:40:00+10:30",
        "2026-04-05T02:00:00+10:30",
    ]


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        (GapRule.RUN_AT_TRANSITION, "2026-10-04T02:30:00+11:00"),
        (GapRule.SHIFT_BY_GAP, "2026-10-04T02:45:00+11:00"),
        (GapRule.SKIP, "2026-10-05T02:15:00+11:00"),
    ],
)
def test_lord_howe_skips_half_an_hour(gap, expected):
    assert fires("15 2 * * *", after="2026-10-04T00:00:00+10:30", zone="Australia/Lord_Howe", dst_gap=gap) == [expected]


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        (GapRule.RUN_AT_TRANSITION, "2011-12-31T00:00:00+14:00"),
        (GapRule.SHIFT_BY_GAP, "2011-12-31T12:00:00+14:00"),
        (GapRule.SKIP, "2012-12-30T12:00:00+14:00"),
    ],
)
def test_apia_had_no_30_december_2011(gap, expected):
    assert fires("0 12 30 12 *", after="2011-12-01T00:00:00Z", zone="Pacific/Apia", dst_gap=gap) == [expected]


def test_a_daily_entry_in_apia_fires_once_for_the_day_moved_onto_another():
    assert fires(
        "0 12 * * *", after="2011-12-29T00:00:00-10:00", count=3, zone="Pacific/Apia", dst_gap=GapRule.SHIFT_BY_GAP
    ) == ["2011-12-29T12:00:00-10:00", "2011-12-31T12:00:00+14:00", "2012-01-01T12:00:00+14:00"]


def test_casablanca_goes_back_for_ramadan():
    assert fires("30 2 * * *", after="2025-02-22T12:00:00Z", count=2, zone="Africa/Casablanca") == [
        "2025-02-23T02:30:00+01:00",
        "2025-02-24T02:30:00+00:00",
    ]


def test_casablanca_goes_forward_after_ramadan():
    assert fires("30 2 * * *", after="2025-04-05T12:00:00Z", count=2, zone="Africa/Casablanca") == [
        "2025-04-06T03:00:00+01:00",
        "2025-04-07T02:30:00+01:00",
    ]


def test_dublin_with_its_negative_winter_time_has_a_gap_in_spring():
    assert fires("30 1 * * *", after="2026-03-29T00:00:00Z", zone="Europe/Dublin") == ["2026-03-29T02:00:00+01:00"]


def test_dublin_with_its_negative_winter_time_repeats_in_autumn():
    assert fires("30 1 * * *", after="2026-10-24T12:00:00Z", count=2, zone="Europe/Dublin") == [
        "2026-10-25T01:30:00+01:00",
        "2026-10-26T01:30:00+00:00",
    ]


def test_midnight_that_does_not_exist_runs_when_the_day_begins():
    # Cairo's clocks went from 00:00 to 01:00 on 25 April 2025
    assert fires("0 0 * * *", after="2025-04-24T12:00:00Z", zone="Africa/Cairo") == ["2025-04-25T01:00:00+03:00"]


def test_rules_of_the_footer_hold_beyond_2037():
    # the last Sunday of March 2080 is the 31st
    assert fires("30 2 31 3 *", after="2080-01-01T00:00:00Z", zone="Europe/Berlin") == ["2080-03-31T03:00:00+02:00"]
