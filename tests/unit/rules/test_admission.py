"""Who may start, who waits, who makes room."""

import pytest

from distributedjob.model.execution import Reason, State
from distributedjob.model.policies import Overlap, Policies
from distributedjob.rules.admission import Admission, Entry, admit, let_in

INSIDE = Entry(1, waiting=False)
ALSO_INSIDE = Entry(2, waiting=False)
WAITS = Entry(3, waiting=True)


@pytest.mark.parametrize("overlap", Overlap)
def test_an_empty_gate_admits(overlap: Overlap) -> None:
    assert admit(Policies(overlap=overlap, max_parallel=1), []) == Admission(State.PENDING)


def test_skip_refuses_while_one_is_inside() -> None:
    assert admit(Policies(overlap=Overlap.SKIP), [INSIDE]) == Admission(State.SKIPPED, Reason.OVERLAP)


def test_skip_admits_up_to_its_limit() -> None:
    assert admit(Policies(overlap=Overlap.SKIP, max_parallel=2), [INSIDE]).state is State.PENDING


def test_wait_lets_the_newcomer_wait() -> None:
    assert admit(Policies(overlap=Overlap.WAIT), [INSIDE]) == Admission(State.BLOCKED, Reason.OVERLAP)


def test_only_the_newest_waits() -> None:
    admission = admit(Policies(overlap=Overlap.WAIT), [INSIDE, WAITS])
    assert admission == Admission(State.BLOCKED, Reason.OVERLAP, superseded=(3,))


def test_a_limit_keeps_everybody_waiting_in_line() -> None:
    assert admit(Policies(max_parallel=1), [INSIDE, WAITS]) == Admission(State.BLOCKED, Reason.LIMIT)


def test_a_newcomer_does_not_overtake_who_waits_at_a_limit() -> None:
    assert admit(Policies(max_parallel=2), [INSIDE, WAITS]).state is State.BLOCKED


def test_replace_cancels_who_is_inside_and_waits_for_the_end() -> None:
    admission = admit(Policies(overlap=Overlap.REPLACE), [INSIDE])
    assert admission == Admission(State.BLOCKED, Reason.OVERLAP, replaced=(1,))


def test_replace_cancels_only_as_many_as_it_needs_the_oldest_first() -> None:
    admission = admit(Policies(overlap=Overlap.REPLACE, max_parallel=2), [ALSO_INSIDE, INSIDE])
    assert admission.replaced == (1,)


def test_replace_supersedes_who_waits() -> None:
    assert admit(Policies(overlap=Overlap.REPLACE), [INSIDE, WAITS]).superseded == (3,)


def test_replace_takes_the_place_of_one_that_was_recorded_just_now() -> None:
    admission = admit(Policies(overlap=Overlap.REPLACE), [Entry(1, waiting=False, fresh=True)])
    assert admission == Admission(State.PENDING, superseded=(1,))


def test_room_lets_in_the_oldest() -> None:
    entries = [INSIDE, Entry(5, waiting=True), Entry(4, waiting=True)]
    assert let_in(Policies(max_parallel=2), entries) == (4,)


def test_a_full_gate_lets_nobody_in() -> None:
    assert let_in(Policies(max_parallel=1), [INSIDE, WAITS]) == ()


@pytest.mark.parametrize("policies", [None, Policies()])
def test_without_a_gate_everybody_may_go(policies: Policies | None) -> None:
    assert let_in(policies, [INSIDE, WAITS, Entry(4, waiting=True)]) == (3, 4)
