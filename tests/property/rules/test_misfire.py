"""Whatever the timetable, the rule and the delay: no due fire is left without a decision, and none gets two."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from distributedjob.model.policies import MisfireMode, MisfirePolicy
from distributedjob.rules.misfire import Due, Plan, Range, plan

SECOND = 1_000_000
HORIZON = 400

timetables = st.sets(st.integers(0, HORIZON), min_size=1, max_size=120).map(sorted)
seconds = st.integers(0, 200).map(lambda count: timedelta(seconds=count))
policies = st.builds(
    MisfirePolicy,
    mode=st.sampled_from(MisfireMode),
    grace=seconds,
    max_fires=st.integers(1, 20),
    catchup_window=seconds,
    max_age=st.none() | seconds,
)
lefts = st.none() | st.integers(0, 30)


def passes(fires: list[int], policy: MisfirePolicy, left: int | None, now: int) -> list[Plan]:
    """The plans of one schedule, pass after pass, until nothing is due any more."""
    plans: list[Plan] = []
    cursor: int | None = fires[0]
    while cursor is not None and cursor <= now:
        decided = plan(
            Due(
                cursor,
                left,
                policy,
                next_after=lambda after: next((fire for fire in fires if fire > after), None),
                previous_before=lambda before: next((fire for fire in reversed(fires) if fire < before), None),
            ),
            now=now,
        )
        assert decided.next_fire_at is None or decided.next_fire_at > cursor, "a pass must get on"
        plans.append(decided)
        cursor, left = decided.next_fire_at, decided.fires_left
    return plans


def decisions(plans: list[Plan], fires: list[int]) -> list[int]:
    """Every fire that got a decision, as often as it got one."""
    decided: list[int] = []
    for one in plans:
        decided += one.live
        decided += [] if one.misfired_at is None else [one.misfired_at]
        for found in (one.missed, one.catch_up):
            decided += [] if found is None else inside(found, fires)
    return sorted(decided)


def inside(found: Range, fires: list[int]) -> list[int]:
    covered = [fire for fire in fires if found.first_at <= fire <= found.last_at]
    assert (found.count, found.exact) == (len(covered), True)
    return covered


@given(timetables, policies, st.integers(0, HORIZON))
def test_every_due_fire_gets_exactly_one_decision(marks: list[int], policy: MisfirePolicy, moment: int) -> None:
    fires, now = [mark * SECOND for mark in marks], moment * SECOND
    plans = passes(fires, policy, None, now)
    assert decisions(plans, fires) == [fire for fire in fires if fire <= now]


@given(timetables, policies, st.integers(0, HORIZON))
def test_the_cursor_ends_at_the_first_fire_to_come(marks: list[int], policy: MisfirePolicy, moment: int) -> None:
    fires, now = [mark * SECOND for mark in marks], moment * SECOND
    plans = passes(fires, policy, None, now)
    if plans:
        assert plans[-1].next_fire_at == next((fire for fire in fires if fire > now), None)


@given(timetables, policies, lefts, st.integers(0, HORIZON))
def test_the_maximum_is_never_exceeded_and_counts_what_runs(
    marks: list[int], policy: MisfirePolicy, left: int | None, moment: int
) -> None:
    fires = [mark * SECOND for mark in marks]
    plans = passes(fires, policy, left, moment * SECOND)
    ran = sum(len(p.live) + (p.misfired_at is not None) + (p.catch_up.count if p.catch_up else 0) for p in plans)
    if plans and left is not None:
        assert plans[-1].fires_left == left - ran >= 0


@given(timetables, policies, lefts, st.integers(0, HORIZON))
def test_no_fire_is_decided_twice_when_the_maximum_ends_the_schedule(
    marks: list[int], policy: MisfirePolicy, left: int | None, moment: int
) -> None:
    fires = [mark * SECOND for mark in marks]
    decided = decisions(passes(fires, policy, left, moment * SECOND), fires)
    assert len(decided) == len(set(decided))


@given(timetables, policies, st.integers(0, HORIZON))
def test_only_fires_within_grace_are_live(marks: list[int], policy: MisfirePolicy, moment: int) -> None:
    fires, now = [mark * SECOND for mark in marks], moment * SECOND
    oldest = now - policy.grace // timedelta(microseconds=1)
    live = [fire for one in passes(fires, policy, None, now) for fire in one.live]
    assert live == [fire for fire in fires if oldest <= fire <= now]
