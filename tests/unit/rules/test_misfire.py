"""Each due fire gets one decision, by the schedule's misfire rule."""

from datetime import timedelta

import pytest

from distributedjob.model.policies import MisfireMode, MisfirePolicy
from distributedjob.rules.misfire import LIVE_LIMIT, Due, Plan, Range, count_fires, plan

NOW = 1_000_000_000
SECOND = 1_000_000


def at(seconds: float) -> int:
    """Seconds from now; negative ones are past."""
    return NOW + round(seconds * SECOND)


def due_since(
    seconds: float,
    *,
    every: float = 10,
    mode: MisfireMode = MisfireMode.LATEST,
    fires_left: int | None = None,
    grace: float = 30,
    end: float | None = None,
    **policy: object,
) -> Due:
    """A schedule that fires at whole multiples of `every` seconds around now and whose cursor is this far off."""
    step = round(every * SECOND)
    last = None if end is None else at(end)

    def next_after(instant: int) -> int | None:
        found = NOW + ((instant - NOW) // step + 1) * step
        return None if last is not None and found >= last else found

    def previous_before(instant: int) -> int | None:
        return NOW + ((instant - 1 - NOW) // step) * step

    rule = MisfirePolicy(mode=mode, grace=timedelta(seconds=grace), **policy)  # type: ignore[arg-type]
    return Due(at(seconds), fires_left, rule, next_after, previous_before)


def test_fires_within_grace_are_recorded_one_by_one() -> None:
    assert plan(due_since(-30), now=NOW) == Plan((at(-30), at(-20), at(-10), at(0)), at(10), None)


def test_a_fire_exactly_as_old_as_the_grace_is_live() -> None:
    assert plan(due_since(-30), now=NOW).live[0] == at(-30)


def test_many_live_fires_are_left_due_for_the_next_pass() -> None:
    decided = plan(due_since(-100, every=1, grace=1000), now=NOW)
    assert (len(decided.live), decided.next_fire_at) == (LIVE_LIMIT, at(-100 + LIVE_LIMIT))


def test_latest_runs_the_newest_misfire_when_nothing_is_live() -> None:
    decided = plan(due_since(-300, every=100), now=at(-50))
    assert decided == Plan((), at(0), None, misfired_at=at(-100), missed=Range(at(-300), at(-200), 2))


def test_latest_gives_way_to_a_fire_within_grace() -> None:
    decided = plan(due_since(-60, every=20), now=NOW)
    assert decided == Plan((at(-20), at(0)), at(20), None, missed=Range(at(-60), at(-40), 2))


def test_latest_alone_leaves_no_range() -> None:
    assert plan(due_since(-100, every=100), now=at(-50)).missed is None


def test_latest_older_than_its_age_is_missed_with_the_rest() -> None:
    decided = plan(due_since(-300, every=100, max_age=timedelta(seconds=49)), now=at(-50))
    assert decided == Plan((), at(0), None, missed=Range(at(-300), at(-100), 3))


def test_latest_exactly_at_its_age_runs() -> None:
    assert plan(due_since(-300, every=100, max_age=timedelta(seconds=50)), now=at(-50)).misfired_at == at(-100)


def test_skip_misses_all_that_is_old() -> None:
    decided = plan(due_since(-300, every=100, mode=MisfireMode.SKIP), now=at(-50))
    assert decided == Plan((), at(0), None, missed=Range(at(-300), at(-100), 3))


def test_all_catches_up_what_its_window_and_maximum_allow() -> None:
    decided = plan(
        due_since(-1000, every=100, mode=MisfireMode.ALL, max_fires=3, catchup_window=timedelta(seconds=900)),
        now=at(-50),
    )
    assert (decided.catch_up, decided.missed) == (Range(at(-300), at(-100), 3), Range(at(-1000), at(-400), 7))


def test_all_leaves_older_fires_than_its_window_missed() -> None:
    decided = plan(
        due_since(-1000, every=100, mode=MisfireMode.ALL, catchup_window=timedelta(seconds=250)), now=at(-50)
    )
    assert (decided.catch_up, decided.missed) == (Range(at(-300), at(-100), 3), Range(at(-1000), at(-400), 7))


def test_all_with_nothing_inside_its_window_misses_everything() -> None:
    decided = plan(due_since(-300, every=100, mode=MisfireMode.ALL, catchup_window=timedelta(seconds=10)), now=at(-50))
    assert (decided.catch_up, decided.missed) == (None, Range(at(-300), at(-100), 3))


def test_all_records_live_fires_beside_the_range() -> None:
    decided = plan(due_since(-60, every=20, mode=MisfireMode.ALL), now=NOW)
    assert (decided.live, decided.catch_up) == ((at(-20), at(0)), Range(at(-60), at(-40), 2))


def test_the_last_allowed_fire_ends_the_schedule() -> None:
    assert plan(due_since(-20, fires_left=2), now=NOW) == Plan((at(-20), at(-10)), None, 0)


def test_missed_fires_do_not_use_up_the_maximum() -> None:
    assert plan(due_since(-300, every=100, mode=MisfireMode.SKIP, fires_left=2), now=at(-50)).fires_left == 2


def test_catching_up_uses_up_the_maximum() -> None:
    decided = plan(due_since(-300, every=100, mode=MisfireMode.ALL, fires_left=2), now=at(-50))
    assert (decided.catch_up, decided.fires_left, decided.next_fire_at) == (Range(at(-200), at(-100), 2), 0, None)


def test_a_schedule_without_fires_left_stops() -> None:
    assert plan(due_since(-20, fires_left=0), now=NOW) == Plan((), None, 0)


def test_the_end_of_the_window_ends_the_schedule() -> None:
    assert plan(due_since(-20, end=-5), now=NOW) == Plan((at(-20), at(-10)), None, None)


@pytest.mark.parametrize("mode", MisfireMode)
def test_a_cursor_that_new_rules_no_longer_know_is_decided_too(mode: MisfireMode) -> None:
    decided = plan(due_since(-307, every=100, mode=mode), now=at(-50))
    ranges = [found for found in (decided.missed, decided.catch_up) if found is not None]
    assert min(found.first_at for found in ranges) == at(-307)


def test_a_range_is_counted_exactly_up_to_its_limit() -> None:
    step = due_since(0, every=1).next_after
    counted = count_fires(step, first_at=at(0), last_at=at(9_999))
    assert (counted.count, counted.exact) == (10_000, True)


def test_beyond_its_limit_a_range_says_more_than() -> None:
    step = due_since(0, every=1).next_after
    counted = count_fires(step, first_at=at(0), last_at=at(10_000))
    assert (counted.count, counted.exact) == (10_000, False)
