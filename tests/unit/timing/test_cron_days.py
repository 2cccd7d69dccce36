"""Dates worked out by hand with a calendar."""

import pytest

from distributedjob.model.schedule import CronDialect
from support.firing import dates, fires


def test_l_is_the_last_day_of_each_month():
    assert dates("0 0 L * *", after="2027-12-31T12:00:00Z", count=4) == [
        "2028-01-31",
        "2028-02-29",
        "2028-03-31",
        "2028-04-30",
    ]


def test_l_minus_three_counts_back_from_the_last_day():
    assert dates("0 0 L-3 * *", after="2026-01-01T00:00:00Z", count=3) == ["2026-01-28", "2026-02-25", "2026-03-28"]


def test_lw_is_the_last_weekday():
    # 31 January 2026 is a Saturday, 28 February a Saturday, 31 May a Sunday
    assert dates("0 0 LW 1,2,5 *", after="2026-01-01T00:00:00Z", count=3) == ["2026-01-30", "2026-02-27", "2026-05-29"]


def test_l_minus_n_w_moves_to_the_nearest_weekday():
    # the 28th of March 2026 (31 - 3) is a Saturday, of June (30 - 3 = 27) a Saturday
    assert dates("0 0 L-3W 3,6 *", after="2026-01-01T00:00:00Z", count=2) == ["2026-03-27", "2026-06-26"]


def test_nw_on_a_saturday_moves_to_friday():
    assert dates("0 12 15W 8 *", after="2026-01-01T00:00:00Z") == ["2026-08-14"]


def test_nw_on_a_sunday_moves_to_monday():
    assert dates("0 12 15W 3 *", after="2026-01-01T00:00:00Z") == ["2026-03-16"]


def test_first_weekday_never_leaves_the_month_backwards():
    # 1 August 2026 is a Saturday; the Friday before it is in July
    assert dates("0 0 1W 8 *", after="2026-01-01T00:00:00Z") == ["2026-08-03"]


def test_last_weekday_never_leaves_the_month_forwards():
    # 31 May 2026 is a Sunday; the Monday after it is in June
    assert dates("0 0 31W 5 *", after="2026-01-01T00:00:00Z") == ["2026-05-29"]


def test_a_month_without_that_day_has_no_nearest_weekday():
    assert dates("0 0 31W * *", after="2026-01-31T12:00:00Z") == ["2026-03-31"]


def test_third_friday():
    assert dates("0 0 * * FRI#3", after="2026-01-01T00:00:00Z", count=3) == ["2026-01-16", "2026-02-20", "2026-03-20"]


def test_a_fifth_monday_is_skipped_in_months_without_one():
    assert dates("0 0 * * MON#5", after="2026-01-01T00:00:00Z", count=3) == ["2026-03-30", "2026-06-29", "2026-08-31"]


@pytest.mark.parametrize("weekday", ["FRIL", "5L", "FRI#L"])
def test_last_friday(weekday):
    assert dates(f"0 0 * * {weekday}", after="2026-01-01T00:00:00Z", count=3) == [
        "2026-01-30",
        "2026-02-27",
        "2026-03-27",
    ]


def test_lists_mix_days_and_the_last_day():
    assert dates("0 0 1,15,L * *", after="2026-02-01T12:00:00Z", count=3) == ["2026-02-15", "2026-02-28", "2026-03-01"]


def test_lists_mix_days_and_nearest_weekdays():
    # 15 February 2026 is a Sunday
    assert dates("0 0 1,15W * *", after="2026-01-31T12:00:00Z", count=3) == ["2026-02-01", "2026-02-16", "2026-03-01"]


def test_weekday_ranges_wrap_around_the_weekend():
    assert dates("0 0 * * FRI-MON", after="2026-01-01T12:00:00Z", count=5) == [
        "2026-01-02",
        "2026-01-03",
        "2026-01-04",
        "2026-01-05",
        "2026-01-09",
    ]


def test_day_ranges_wrap_around_the_end_of_the_month():
    assert dates("0 0 30-2 * *", after="2026-02-01T12:00:00Z", count=4) == [
        "2026-02-02",
        "2026-03-01",
        "2026-03-02",
        "2026-03-30",
    ]


def test_both_day_fields_restricted_fire_when_either_matches():
    assert dates("0 12 1 * MON", after="2025-09-25T00:00:00Z", count=3) == ["2025-09-29", "2025-10-01", "2025-10-06"]


def test_a_plus_asks_for_both_day_fields():
    assert dates("0 12 1 * +MON", after="2025-08-01T00:00:00Z", count=3) == ["2025-09-01", "2025-12-01", "2026-06-01"]


def test_a_day_field_that_begins_with_a_star_is_no_restriction():
    # odd days that are a Monday
    assert dates("0 0 */2 * MON", after="2026-01-01T00:00:00Z", count=3) == ["2026-01-05", "2026-01-19", "2026-02-09"]


def test_a_full_range_is_a_restriction():
    assert dates("0 0 1-31 * MON", after="2026-01-01T12:00:00Z", count=2) == ["2026-01-02", "2026-01-03"]


def test_quartz_2_hash_1_is_the_first_monday():
    assert dates("0 0 12 ? * 2#1", after="2026-01-01T00:00:00Z", dialect=CronDialect.QUARTZ) == ["2026-01-05"]


def test_unix_2_hash_1_is_the_first_tuesday():
    assert dates("0 12 * * 2#1", after="2026-01-01T00:00:00Z") == ["2026-01-06"]


def test_leap_days_leave_out_1900_style_centuries():
    assert dates("0 0 29 2 *", after="2096-03-01T00:00:00Z") == ["2104-02-29"]


def test_a_leap_day_that_is_a_monday_is_found_decades_ahead():
    assert dates("0 0 29 2 +MON", after="2072-03-01T00:00:00Z") == ["2112-02-29"]


def test_a_year_far_ahead_is_found():
    assert fires("0 0 0 29 2 ? 2096", after="2026-01-01T00:00:00Z") == ["2096-02-29T00:00:00Z"]


def test_years_end_the_fires():
    assert dates("0 0 0 1 1 * 2026-2027", after="2025-06-01T00:00:00Z", count=9) == ["2026-01-01", "2027-01-01"]


def test_seconds_are_searched_too():
    assert fires("15,45 59 23 31 12 *", after="2026-12-31T23:59:15Z", count=2) == [
        "2026-12-31T23:59:45Z",
        "2027-12-31T23:59:15Z",
    ]


def test_a_fire_is_strictly_after_the_instant_asked():
    assert fires("* * * * * *", after="2026-01-01T00:00:00Z") == ["2026-01-01T00:00:01Z"]


def test_a_fraction_of_a_second_rounds_up_to_the_next_fire():
    assert fires("* * * * * *", after="2026-01-01T00:00:00.000001Z") == ["2026-01-01T00:00:01Z"]
