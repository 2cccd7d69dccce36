"""A healthy record made by hand, for the checker's own tests to spoil."""

from typing import Any

from rig.checker import judge
from rig.facts import (
    SECOND,
    SUCCEEDED,
    AttemptRow,
    Call,
    Due,
    Ending,
    Evidence,
    Fault,
    Harm,
    Kind,
    Plan,
    Row,
    Session,
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
