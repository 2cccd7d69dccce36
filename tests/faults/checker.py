"""The judge: all invariants over the evidence of one leg, and the figures of the report."""

from collections import Counter

from faults.conduct import Conduct
from faults.decisions import check_decisions, check_ends
from faults.excuses import Excuses
from faults.facts import BY_SCHEDULE, SECOND, SUCCEEDED, Evidence, Harm, Lateness, Verdict
from faults.outcomes import Outcomes


def judge(evidence: Evidence) -> Verdict:
    conduct = Conduct(evidence)
    violations = (
        *check_decisions(evidence),
        *check_ends(evidence),
        *conduct.check(),
        *Outcomes(evidence).check(),
    )
    return Verdict(
        violations=violations,
        due=sum(len(due.certain) for plan in evidence.plans for due in plan.due),
        executions=len(evidence.rows),
        calls=len(evidence.calls),
        repeated_explained=conduct.explained,
        repeated_unexplained=conduct.unexplained,
        lateness=_lateness(evidence),
        answered_while_cut=_count_answered_while_cut(evidence),
        states=dict(Counter(row.word for row in evidence.rows)),
    )


def _lateness(evidence: Evidence) -> Lateness:
    """Of scheduled executions that wait for nobody: those of tasks that run one at a time are late on purpose."""
    waiting = {plan.task_id for plan in evidence.plans if plan.one_at_a_time}
    fires = {row.id: row.fire_at for row in evidence.rows if row.trigger == BY_SCHEDULE and row.task_id not in waiting}
    first: dict[int, int] = {}
    for call in evidence.calls:
        if call.execution_id in fires:
            first.setdefault(call.execution_id, call.arrived_at - fires[call.execution_id])
    late = sorted(first.values())
    if not late:
        return Lateness()
    return Lateness(p50=late[len(late) // 2], p99=late[len(late) * 99 // 100], maximum=late[-1])


def _count_answered_while_cut(evidence: Evidence) -> int:
    excuses = Excuses(evidence)
    won = {(row.id, row.attempt) for row in evidence.rows if row.state == SUCCEEDED}
    answered = [call for call in evidence.calls if call.succeeded and (call.execution_id, call.attempt) in won]
    return sum(
        any(
            fault.harm is Harm.CUT
            and fault.detail == "cut"
            and fault.started_at < (call.ended_at or 0) < fault.ended_at - SECOND
            for fault in excuses.harms(call, start=call.arrived_at, end=call.ended_at or 0)
        )
        for call in answered
    )
