"""The checker is shown results that the sink contradicts, and ends that change."""

from dataclasses import replace

import pytest

from rig.checker import judge
from rig.facts import (
    FAILED,
    MISSED,
    SECOND,
    SKIPPED,
    SUCCEEDED,
    TIMED_OUT,
    UNKNOWN,
    AttemptRow,
    Call,
    Ending,
    Fault,
    Harm,
    Kind,
    Row,
    Session,
    Sighting,
)
from rig.made_up import HOLDER, MS, PID, RETRIED, call, failing, fire, healthy, kill, kinds, retried, row


@pytest.mark.parametrize(
    "met",
    [
        failing(1),
        call(1, ending=Ending.CLOSED, status=None),
        call(1, ending=Ending.LOST, status=None, took=2 * SECOND),
        call(1, ending=Ending.OPEN, status=None, ended_at=None),
    ],
    ids=["error", "closed", "lost", "open"],
)
def test_a_success_that_the_sink_did_not_answer_with_200_is_false(met: Call) -> None:
    assert Kind.FALSE_SUCCESS in kinds(replace(healthy(), calls=(met, call(2), call(3))))


def test_a_success_that_was_never_called_is_false() -> None:
    assert kinds(replace(healthy(), calls=(call(2), call(3)))) == {Kind.FALSE_SUCCESS}


def test_a_success_is_false_when_only_another_attempt_was_answered_with_200() -> None:
    evidence = retried(failing(1), rows=(replace(RETRIED, attempt=1),))
    assert Kind.FALSE_SUCCESS in kinds(evidence)


def test_a_failure_with_a_status_the_sink_never_gave_is_a_false_outcome() -> None:
    rows = (row(1, state=FAILED, status=503), row(2), row(3))
    assert kinds(replace(healthy(), rows=rows, calls=(failing(1), call(2), call(3)))) == {Kind.FALSE_OUTCOME}


@pytest.mark.parametrize("state", [FAILED, TIMED_OUT, UNKNOWN])
def test_an_undisturbed_200_recorded_as_no_success_is_a_false_outcome(state: int) -> None:
    rows = (row(1, state=state, status=None), row(2), row(3))
    assert kinds(replace(healthy(), rows=rows)) == {Kind.FALSE_OUTCOME}


def test_a_200_whose_worker_was_killed_may_be_lost() -> None:
    rows = (row(1, state=UNKNOWN, status=None, ended_at=fire(3)), row(2), row(3))
    assert kinds(replace(healthy(), rows=rows, faults=(kill(fire(1) + 10 * MS),))) == set()


def test_an_attempt_recorded_with_an_answer_the_sink_never_gave_is_a_false_outcome() -> None:
    attempt = AttemptRow(execution_id=1, no=1, evidence=False, outcome="answered", status=429, holder=HOLDER)
    assert kinds(retried(failing(1), attempts=(attempt,))) == {Kind.FALSE_OUTCOME}


@pytest.mark.parametrize("state", [SKIPPED, MISSED])
def test_a_skipped_or_missed_execution_that_was_called_is_a_false_outcome(state: int) -> None:
    rows = (row(1), row(2), row(3, state=state, attempt=1))
    assert Kind.FALSE_OUTCOME in kinds(replace(healthy(), rows=rows))


@pytest.mark.parametrize("now", [row(1, state=FAILED, status=None), row(1, ended_at=fire(2))])
def test_a_terminal_state_that_changes_is_a_fault(now: Row) -> None:
    seen = Sighting(execution_id=1, state=SUCCEEDED, ended_at=row(1).ended_at, seen_at=fire(1.5))
    evidence = replace(healthy(), sightings=(seen,))
    assert kinds(evidence) == set()
    assert Kind.NOT_FINAL in kinds(replace(evidence, rows=(now, row(2), row(3))))


def test_a_success_answered_without_a_database_before_a_kill_came_from_the_journal() -> None:
    cut = Fault(harm=Harm.CUT, started_at=fire(0.9), ended_at=fire(9), pid=PID, detail="cut")
    evidence = replace(healthy(), faults=(cut, kill(fire(4))), sessions=(Session(id=HOLDER, pid=PID),))
    assert judge(evidence).replayed == 3
    assert judge(replace(evidence, faults=(cut,))).replayed == 0


def test_a_terminal_row_that_vanishes_is_a_fault() -> None:
    seen = Sighting(execution_id=99, state=SUCCEEDED, ended_at=fire(1), seen_at=fire(1.5))
    assert kinds(replace(healthy(), sightings=(seen,))) == {Kind.NOT_FINAL}
