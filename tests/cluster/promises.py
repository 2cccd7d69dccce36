"""Invariants of a cluster: what the API acknowledged is so, only the dead are declared dead, and nothing leaks."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median_low

from rig.excuses import SLACK
from rig.facts import (
    BY_SCHEDULE,
    SECOND,
    Call,
    Evidence,
    Harm,
    Kind,
    Phase,
    Plan,
    Row,
    Session,
    Violation,
    Vital,
    holders_of,
)
from rig.workload import CLOCKS

DEAD_AFTER = 14 * SECOND
"""Nobody is declared dead sooner than this after something happened to it: 15 s without a beat, one of them before."""
DEADLY = frozenset({Harm.KILL, Harm.CRASH, Harm.FREEZE, Harm.CUT, Harm.RESTART})
LIVED = 90 * SECOND
"""Only a process that lived this long is judged for leaks."""
WARM = 20 * SECOND
MORE = {"files": 16, "connections": 6, "memory": 48 << 20}
"""What a process may have more at its end than at its beginning."""


def check_promises(evidence: Evidence) -> Iterator[Violation]:
    yield from _check_runs(evidence)
    yield from _check_tasks(evidence)
    yield from _check_phases(evidence)
    yield from _check_deaths(evidence)
    yield from _check_calls_of_the_dead(evidence)
    yield from _check_leaks(evidence)


def _check_runs(evidence: Evidence) -> Iterator[Violation]:
    known = {row.id for row in evidence.rows}
    for execution_id in evidence.runs:
        if execution_id not in known:
            text = f"execution {execution_id} was acknowledged when it was run by hand, and is not there"
            yield Violation(kind=Kind.CHANGE_LOST, text=text)


def _check_tasks(evidence: Evidence) -> Iterator[Violation]:
    for task in evidence.tasks:
        acknowledged = (task.acknowledged_revision, task.acknowledged_enabled)
        if (task.revision, task.enabled) != acknowledged:
            text = f"{task.name} was acknowledged as {acknowledged} and is {(task.revision, task.enabled)}"
            yield Violation(kind=Kind.CHANGE_LOST, text=text)


def _check_phases(evidence: Evidence) -> Iterator[Violation]:
    """A fire follows the revision that was in force at its time, and so does its call."""
    plans = {plan.task_id: plan for plan in evidence.plans if plan.phases}
    calls: defaultdict[int, list[Call]] = defaultdict(list)
    for call in evidence.calls:
        calls[call.execution_id].append(call)
    for row in evidence.rows:
        plan = plans.get(row.task_id)
        if plan is not None and row.trigger == BY_SCHEDULE:
            yield from _check_phase(plan, row, calls[row.id])


def _check_phase(plan: Plan, row: Row, calls: list[Call]) -> Iterator[Violation]:
    allowed = {phase.revision: phase for phase in plan.phases if _may_govern(phase, row.fire_at)}
    if row.revision not in allowed:
        text = f"the fire of {plan.name} at {row.fire_at} followed revision {row.revision}, not one of {set(allowed)}"
        yield Violation(kind=Kind.CHANGE_LOST, text=text)
        return
    for call in calls:
        if call.path != allowed[row.revision].path:
            text = f"execution {row.id} of revision {row.revision} of {plan.name} called {call.path}"
            yield Violation(kind=Kind.CHANGE_LOST, text=text)


def _may_govern(phase: Phase, fire_at: int) -> bool:
    return phase.since[0] - CLOCKS <= fire_at <= phase.until[1] + CLOCKS


def _check_deaths(evidence: Evidence) -> Iterator[Violation]:
    for session in evidence.sessions:
        if session.dead and session.ended_at is not None and not _had_reason(session, evidence):
            text = f"session {session.id} (pid {session.pid}) was declared dead at {session.ended_at} without a reason"
            yield Violation(kind=Kind.DECLARED_DEAD, text=text)


def _had_reason(session: Session, evidence: Evidence) -> bool:
    """Something had been done to it, and long enough ago."""
    assert session.ended_at is not None
    latest = session.ended_at - DEAD_AFTER
    return any(
        fault.harm in DEADLY and fault.pid == session.pid and fault.started_at <= latest for fault in evidence.faults
    )


def _check_calls_of_the_dead(evidence: Evidence) -> Iterator[Violation]:
    """A worker that was frozen or cut off until others had declared it dead makes no call when it comes back."""
    dead = {session.id: session.ended_at for session in evidence.sessions if session.dead}
    holders = holders_of(evidence)
    for call in evidence.calls:
        ended_at = dead.get(holders.get((call.execution_id, call.attempt)) or 0)
        if ended_at is not None and call.arrived_at > ended_at + SLACK:
            text = (
                f"attempt {call.attempt} of {call.execution_id} came at {call.arrived_at}, its node dead at {ended_at}"
            )
            yield Violation(kind=Kind.CALLED_WHEN_DEAD, text=text)


def _check_leaks(evidence: Evidence) -> Iterator[Violation]:
    for growth in growths(evidence):
        if growth.grew_by > MORE[growth.what]:
            text = f"{growth.what} of {growth.node} grew from {growth.before} to {growth.after} in {growth.seconds} s"
            yield Violation(kind=Kind.LEAKED, text=text)


@dataclass(frozen=True, slots=True)
class Growth:
    """Of one process: what it usually had in the first third of its life, and the least that it had in the last."""

    node: str
    what: str
    before: int
    after: int
    seconds: int

    @property
    def grew_by(self) -> int:
        return self.after - self.before


def growths(evidence: Evidence) -> Iterator[Growth]:
    """Of processes that lived long enough. The last third includes the rest, in which only a leak is still open."""
    by_pid: defaultdict[int, list[Vital]] = defaultdict(list)
    for vital in evidence.vitals:
        by_pid[vital.pid].append(vital)
    for vitals in by_pid.values():
        warm = [vital for vital in vitals if vital.at >= vitals[0].at + WARM]
        if vitals[-1].at - vitals[0].at < LIVED:
            continue
        third, seconds = len(warm) // 3, (warm[-1].at - warm[0].at) // SECOND
        for what in MORE:
            before = median_low(getattr(vital, what) for vital in warm[:third])
            after = min(getattr(vital, what) for vital in warm[-third:])
            yield Growth(vitals[0].node, what, before, after, seconds)
