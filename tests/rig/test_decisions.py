"""The checker is shown records in which a fire is lost, doubled, undue or stuck."""

from dataclasses import replace

import pytest

from rig.checker import judge
from rig.facts import BLOCKED, MISSED, PENDING, SECOND, Chain, Evidence, Kind
from rig.made_up import MS, SOURCE, call, fire, healthy, kinds, plan, row


def test_a_healthy_record_has_no_violation() -> None:
    verdict = judge(healthy())
    assert verdict.violations == ()
    assert (verdict.due, verdict.calls, verdict.executions) == (3, 3, 3)
    assert verdict.lateness.p50 == verdict.lateness.maximum == 5 * MS


def test_a_due_fire_without_a_row_is_lost() -> None:
    assert kinds(replace(healthy(), plans=(plan(1, 2, 3, 4),))) == {Kind.LOST}


def test_a_fire_that_was_only_possible_may_be_absent_or_present() -> None:
    assert kinds(replace(healthy(), plans=(plan(1, 2, possible=(3, 4)),))) == set()


def test_a_row_that_was_not_due_is_undue() -> None:
    assert kinds(replace(healthy(), plans=(plan(1, 2),))) == {Kind.UNDUE}


def test_a_missed_range_decides_the_fires_in_it() -> None:
    missed = row(2, state=MISSED, range_end=fire(3), range_count=2, attempt=0)
    assert kinds(replace(healthy(), rows=(row(1), missed), calls=(call(1),))) == set()


def test_a_missed_range_that_counts_too_few_loses_a_fire() -> None:
    missed = row(2, state=MISSED, range_end=fire(3), range_count=1, attempt=0)
    assert kinds(replace(healthy(), rows=(row(1), missed), calls=(call(1),))) == {Kind.LOST}


def test_a_fire_with_a_row_inside_a_missed_range_is_doubled() -> None:
    missed = replace(row(2), id=9, state=MISSED, range_end=fire(3), range_count=2, attempt=0)
    evidence = replace(healthy(), rows=(row(1), missed, row(3)), calls=(call(1), call(3)))
    assert kinds(evidence) == {Kind.DOUBLED}


def chained(*fires: float, until: float) -> Evidence:
    """A task that fires two seconds after each end; its executions take 10 ms."""
    chain = Chain(source_id=SOURCE, every=2 * SECOND, until=fire(until))
    at = [fire(second) for second in fires]
    rows = tuple(row(n, fire_at=start, ended_at=start + 10 * MS) for n, start in enumerate(at))
    return Evidence(
        plans=(plan(due=(), chains=(chain,)),), rows=rows, calls=tuple(call(n, at=start) for n, start in enumerate(at))
    )


def test_a_chain_goes_on_after_each_end() -> None:
    assert kinds(chained(1, 3.01, 5.02, until=7)) == set()


def test_a_chain_that_stops_has_lost_a_fire() -> None:
    assert kinds(chained(1, 3.01, until=6)) == {Kind.LOST}


def test_a_chain_that_never_began_has_lost_a_fire() -> None:
    assert kinds(chained(until=6)) == {Kind.LOST}


def test_a_chain_that_does_not_wait_for_the_end_is_undue() -> None:
    assert kinds(chained(1, 2.5, 4.51, until=6)) == {Kind.UNDUE}


def test_two_rows_for_one_fire_are_doubled() -> None:
    twin = replace(row(3), id=9)
    assert kinds(
        replace(healthy(), rows=(*healthy().rows, twin), calls=(*healthy().calls, call(9, at=fire(3) + 6 * MS)))
    ) == {Kind.DOUBLED}


@pytest.mark.parametrize("state", [PENDING, BLOCKED, 3])
def test_a_row_that_never_ended_is_stuck(state: int) -> None:
    rows = (row(1), row(2), row(3, state=state, ended_at=None))
    assert kinds(replace(healthy(), rows=rows)) == {Kind.STUCK}


def test_other_work_left_over_is_stuck() -> None:
    assert kinds(replace(healthy(), leftovers=("a gate entry of an ended execution is left",))) == {Kind.STUCK}
