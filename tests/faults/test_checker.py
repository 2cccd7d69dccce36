"""The checker is shown a healthy record, then one with each fault in it: a checker that cannot fail proves nothing."""

from dataclasses import replace
from typing import Any

import pytest

from faults.checker import judge
from faults.facts import (
    BLOCKED,
    CANCELLED,
    FAILED,
    MISSED,
    PENDING,
    SECOND,
    SKIPPED,
    SUCCEEDED,
    TIMED_OUT,
    UNKNOWN,
    AttemptRow,
    Call,
    Cancel,
    Chain,
    Due,
    Ending,
    Evidence,
    Fault,
    Harm,
    Kind,
    Plan,
    Row,
    Session,
    Sighting,
)

T0 = 1_795_543_200 * SECOND
MS = 1_000
TASK, SOURCE, HOLDER, PID = 7, 70, 900, 4321


def fire(second: float) -> int:
    return T0 + round(second * SECOND)


def row(number: int, **changes: Any) -> Row:
    fields: dict[str, Any] = {
        "id": number,
        "task_id": TASK,
        "source_id": SOURCE,
        "fire_at": fire(number),
        "not_before": fire(number),
        "state": SUCCEEDED,
        "reason": "ok",
        "trigger": 1,
        "attempt": 1,
        "cancel_asked": False,
        "holder": HOLDER,
        "claimed_at": fire(number) + 1 * MS,
        "sent_at": fire(number) + 2 * MS,
        "ended_at": fire(number) + 10 * MS,
        "status": 200,
        "range_end": None,
        "range_count": None,
    }
    return Row(**{**fields, **changes})


def call(execution: int, *, at: int | None = None, took: int = 1 * MS, **changes: Any) -> Call:
    arrived_at = fire(execution) + 5 * MS if at is None else at
    fields: dict[str, Any] = {
        "number": arrived_at,
        "arrived_at": arrived_at,
        "connection": 1,
        "position": 1,
        "method": "POST",
        "path": "/ok/a",
        "behaviour": "ok",
        "task_id": TASK,
        "execution_id": execution,
        "attempt": 1,
        "fire_at": fire(execution),
        "key": f"key-{execution}",
        "ended_at": arrived_at + took,
        "ending": Ending.ANSWERED,
        "status": 200,
    }
    return Call(**{**fields, **changes})


def failing(execution: int, **changes: Any) -> Call:
    return call(execution, **{"status": 500, "behaviour": "error", **changes})


def plan(*fires: int, possible: tuple[int, ...] = (), **changes: Any) -> Plan:
    certain = frozenset(map(fire, fires))
    due = Due(source_id=SOURCE, certain=certain, possible=certain | frozenset(map(fire, possible)))
    return Plan(**{"task_id": TASK, "name": "a", "due": (due,), **changes})


def healthy() -> Evidence:
    return Evidence(plans=(plan(1, 2, 3),), calls=(call(1), call(2), call(3)), rows=(row(1), row(2), row(3)))


def kinds(evidence: Evidence) -> set[Kind]:
    return {violation.kind for violation in judge(evidence).violations}


RETRIED = row(1, attempt=2, ended_at=fire(1) + 500 * MS)


def retried(first: Call, *more: Call, **changes: Any) -> Evidence:
    """One execution whose first call was followed by a second, and which ended well."""
    again = call(1, at=fire(1) + 400 * MS, attempt=2)
    fields: dict[str, Any] = {
        "plans": (plan(1),),
        "calls": (first, *more, again),
        "rows": (RETRIED,),
        "attempts": (AttemptRow(execution_id=1, no=1, evidence=False, outcome="", status=None, holder=HOLDER),),
        "sessions": (Session(id=HOLDER, pid=PID),),
    }
    return Evidence(**{**fields, **changes})


def kill(at: int, pid: int | None = PID) -> Fault:
    return Fault(harm=Harm.KILL, started_at=at, ended_at=at, pid=pid)


def freeze(start: int, end: int) -> Fault:
    return Fault(harm=Harm.FREEZE, started_at=start, ended_at=end, pid=PID)


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


def test_a_cut_database_explains_a_repeat() -> None:
    cut = Fault(harm=Harm.CUT, started_at=fire(0.5), ended_at=fire(9))
    assert kinds(retried(call(1), faults=(cut,))) == set()


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


@pytest.mark.parametrize("now", [row(1, state=FAILED, status=None), row(1, ended_at=fire(2))])
def test_a_terminal_state_that_changes_is_a_fault(now: Row) -> None:
    seen = Sighting(execution_id=1, state=SUCCEEDED, ended_at=row(1).ended_at, seen_at=fire(1.5))
    evidence = replace(healthy(), sightings=(seen,))
    assert kinds(evidence) == set()
    assert Kind.NOT_FINAL in kinds(replace(evidence, rows=(now, row(2), row(3))))


def test_a_terminal_row_that_vanishes_is_a_fault() -> None:
    seen = Sighting(execution_id=99, state=SUCCEEDED, ended_at=fire(1), seen_at=fire(1.5))
    assert kinds(replace(healthy(), sightings=(seen,))) == {Kind.NOT_FINAL}


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
