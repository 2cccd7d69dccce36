"""The checker is shown calls that nothing explains, and calls that a fault explains."""

from dataclasses import replace

import pytest

from rig.checker import judge
from rig.facts import CANCELLED, FAILED, SECOND, AttemptRow, Call, Cancel, Ending, Fault, Harm, Kind, Session
from rig.made_up import (
    HOLDER,
    MS,
    PID,
    RETRIED,
    call,
    failing,
    fire,
    freeze,
    healthy,
    kill,
    kinds,
    plan,
    retried,
    row,
)


@pytest.mark.parametrize(
    "first",
    [
        failing(1),
        call(1, ending=Ending.CLOSED, status=None),
        call(1, at=fire(1) - 1700 * MS, ending=Ending.LOST, status=None, took=2 * SECOND),
    ],
    ids=["answered failure", "closed without a byte", "timeout"],
)
def test_a_call_is_repeated_for_a_reason(first: Call) -> None:
    verdict = judge(retried(first))
    assert verdict.violations == ()
    assert (verdict.repeated_explained, verdict.repeated_unexplained) == (1, 0)


def test_a_call_after_a_200_is_unexplained() -> None:
    verdict = judge(retried(call(1)))
    assert {violation.kind for violation in verdict.violations} == {Kind.UNEXPLAINED_CALL}
    assert verdict.repeated_unexplained == 1


def test_a_request_that_arrived_late_was_given_up_in_time() -> None:
    first = call(1, at=fire(1) - 1500 * MS, ending=Ending.LOST, status=None, took=1700 * MS)
    attempt = AttemptRow(
        execution_id=1, no=1, evidence=False, outcome="", status=None, holder=HOLDER, claimed_at=fire(1) - 1801 * MS
    )
    assert kinds(retried(first, attempts=(attempt,))) == set()
    early = replace(attempt, claimed_at=fire(1) - 1501 * MS)
    assert kinds(retried(first, attempts=(early,))) == {Kind.UNEXPLAINED_CALL}


def test_a_call_after_one_that_was_given_up_early_is_unexplained() -> None:
    assert kinds(retried(call(1, ending=Ending.LOST, status=None, took=50 * MS))) == {Kind.UNEXPLAINED_CALL}


def test_a_kill_of_the_holder_explains_a_repeat() -> None:
    assert kinds(retried(call(1), faults=(kill(fire(1) + 6 * MS),))) == set()


@pytest.mark.parametrize(("ended", "expected"), [(1.39, set()), (1.5, {Kind.UNEXPLAINED_CALL})])
def test_a_slow_result_is_lost_with_the_session_that_died_before_the_repeat(ended: float, expected: set[Kind]) -> None:
    first = call(1, at=fire(1) - 5 * SECOND)
    session = Session(id=HOLDER, pid=PID, ended_at=fire(ended))
    assert kinds(retried(first, faults=(kill(fire(0)),), sessions=(session,))) == expected


def test_a_kill_of_another_node_explains_nothing() -> None:
    assert kinds(retried(call(1), faults=(kill(fire(1) + 6 * MS, pid=1),))) == {Kind.UNEXPLAINED_CALL}


def test_a_kill_long_before_the_call_explains_nothing() -> None:
    assert kinds(retried(call(1), faults=(kill(fire(0)),))) == {Kind.UNEXPLAINED_CALL}


def test_a_freeze_during_the_call_explains_a_repeat() -> None:
    assert kinds(retried(call(1), faults=(freeze(fire(1), fire(21)),))) == set()


@pytest.mark.parametrize(("ended", "expected"), [(1.39, set()), (None, {Kind.UNEXPLAINED_CALL})])
def test_a_cut_database_explains_a_repeat_only_where_the_node_was_declared_dead(
    ended: float | None, expected: set[Kind]
) -> None:
    cut = Fault(harm=Harm.CUT, started_at=fire(0.5), ended_at=fire(9), pid=PID)
    session = Session(id=HOLDER, pid=PID, ended_at=None if ended is None else fire(ended), dead=ended is not None)
    assert kinds(retried(call(1), faults=(cut,), sessions=(session,))) - {Kind.DECLARED_DEAD} == expected


@pytest.mark.parametrize("harm", [Harm.CLOCK, Harm.NEIGHBOUR])
def test_a_wrong_clock_or_a_server_that_is_away_explains_no_repeat(harm: Harm) -> None:
    fault = Fault(harm=harm, started_at=fire(0.5), ended_at=fire(9))
    assert kinds(retried(call(1), faults=(fault,))) == {Kind.UNEXPLAINED_CALL}


def test_a_repeat_under_the_same_number_is_a_reused_attempt() -> None:
    again = failing(1, at=fire(1) + 200 * MS)
    assert kinds(retried(failing(1), again)) == {Kind.ATTEMPT_REUSED}


def test_an_earlier_attempt_that_arrives_later_is_a_fault() -> None:
    calls = (failing(1, attempt=2), failing(1, at=fire(1) + 400 * MS))
    evidence = retried(failing(1), calls=calls, rows=(replace(RETRIED, state=FAILED, status=500),))
    assert kinds(evidence) == {Kind.ATTEMPT_REUSED}


def test_a_repeat_with_another_key_is_a_fault() -> None:
    assert kinds(retried(failing(1, key="other"))) == {Kind.KEY_CHANGED}


def test_more_calls_than_allowed_are_a_fault() -> None:
    evidence = retried(failing(1), plans=(plan(1, max_attempts=1),))
    assert kinds(evidence) == {Kind.TOO_MANY_ATTEMPTS}


def test_a_call_with_a_number_after_the_last_is_a_call_after_the_end() -> None:
    rows = (replace(RETRIED, attempt=1, state=FAILED, status=500, ended_at=fire(3)),)
    assert kinds(retried(failing(1), rows=rows)) == {Kind.CALLED_AFTER_END}


def test_a_call_after_the_end_is_a_fault() -> None:
    evidence = retried(failing(1), rows=(replace(RETRIED, ended_at=fire(1) + 100 * MS),))
    assert kinds(evidence) == {Kind.CALLED_AFTER_END}


def test_a_call_long_after_an_acknowledged_cancel_is_a_fault() -> None:
    rows = (replace(RETRIED, state=CANCELLED, ended_at=fire(4)),)
    late = failing(1, at=fire(3), attempt=2)
    evidence = retried(failing(1), calls=(failing(1), late), rows=rows)
    cancel = Cancel(execution_id=1, acknowledged_at=fire(1) + 100 * MS)
    assert kinds(evidence) == set()
    assert kinds(replace(evidence, cancels=(cancel,))) == {Kind.CALLED_AFTER_CANCEL}


def test_two_executions_of_a_one_at_a_time_task_in_the_air_overlap() -> None:
    slow = call(1, took=1500 * MS)
    rows = (row(1, ended_at=fire(3)), row(2), row(3))
    evidence = replace(healthy(), calls=(slow, call(2), call(3)), rows=rows)
    assert kinds(evidence) == set()
    assert kinds(replace(evidence, plans=(plan(1, 2, 3, one_at_a_time=True),))) == {Kind.OVERLAPPED}


def test_a_frozen_call_may_be_overtaken() -> None:
    slow = call(1, took=1500 * MS)
    evidence = replace(
        healthy(),
        plans=(plan(1, 2, 3, one_at_a_time=True),),
        calls=(slow, call(2), call(3)),
        rows=(row(1, ended_at=fire(3)), row(2), row(3)),
        sessions=(Session(id=HOLDER, pid=PID),),
        faults=(freeze(fire(1), fire(2.4)),),
    )
    assert kinds(evidence) == set()


def test_an_at_most_once_execution_called_twice_is_a_fault_whatever_happened() -> None:
    evidence = retried(call(1), plans=(plan(1, at_most_once=True),), faults=(kill(fire(1) + 6 * MS),))
    assert kinds(evidence) == {Kind.CALLED_TWICE}


def test_a_call_of_an_execution_that_nobody_recorded_is_a_fault() -> None:
    assert kinds(replace(healthy(), calls=(*healthy().calls, call(55)))) == {Kind.UNRECORDED_CALL}
