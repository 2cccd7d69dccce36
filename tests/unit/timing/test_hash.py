import pytest

from distributedjob.timing.cron import parse_cron
from distributedjob.timing.fields import DAY, HOUR, MINUTE, WEEKDAY, item_values
from distributedjob.timing.jitter import jitter_of
from distributedjob.timing.parser import parse_field


def picked(text, kind, seed=0):
    return [value for item in parse_field(text, kind).items for value in item_values(item, kind, seed=seed)]


def test_h_picks_the_same_values_for_ever():
    expression = parse_cron("H H(0-7) H * H")
    assert [f.mask(2026).bit_length() - 1 for f in (expression.minute, expression.hour, expression.day)] == [33, 0, 12]


def test_h_spreads_seeds_over_the_whole_field():
    assert {picked("H", MINUTE, seed)[0] for seed in range(1000)} == set(range(60))


def test_h_picks_each_field_for_itself():
    assert any(picked("H(0-23)", MINUTE, seed) != picked("H", HOUR, seed) for seed in range(10))


def test_h_picks_a_day_that_every_month_has():
    assert {picked("H", DAY, seed)[0] for seed in range(1000)} == set(range(1, 29))


def test_h_picks_every_weekday():
    assert {picked("H", WEEKDAY, seed)[0] for seed in range(200)} == set(range(7))


def test_h_stays_in_its_range():
    assert {picked("H(10-12)", MINUTE, seed)[0] for seed in range(100)} == {10, 11, 12}


@pytest.mark.parametrize("seed", range(5))
def test_h_with_a_step_keeps_the_step_through_the_field(seed):
    values = picked("H/15", MINUTE, seed)
    assert values == list(range(values[0], 60, 15))
    assert values[0] < 15


def test_h_with_range_and_step_stays_in_its_range():
    for seed in range(50):
        values = picked("H(5-29)/10", MINUTE, seed)
        assert 5 <= values[0] <= 14
        assert values == list(range(values[0], 30, 10))


def test_a_step_wider_than_the_range_picks_one_value():
    assert all(len(picked("H(0-5)/20", MINUTE, seed)) == 1 for seed in range(50))


def test_jitter_is_the_same_for_the_same_fire():
    assert jitter_of(7, 1_000_000, 30_000_000) == jitter_of(7, 1_000_000, 30_000_000)


def test_jitter_differs_from_fire_to_fire():
    assert len({jitter_of(7, fire * 1_000_000, 30_000_000) for fire in range(100)}) > 90


def test_jitter_differs_from_seed_to_seed():
    assert len({jitter_of(seed, 1_000_000, 30_000_000) for seed in range(100)}) > 90


def test_jitter_reaches_both_ends_and_no_further():
    assert {jitter_of(3, fire, 4) for fire in range(200)} == {0, 1, 2, 3, 4}


def test_no_jitter_is_no_delay():
    assert jitter_of(3, 1_000_000, 0) == 0


def test_jitter_takes_the_largest_seed_and_fires_before_1970():
    assert 0 <= jitter_of(2**63 - 1, -5, 10) <= 10
