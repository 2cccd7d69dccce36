"""The judge: all invariants over the evidence of one leg, and the figures of the report."""

from collections import Counter

from faults.conduct import Conduct
from faults.decisions import check_decisions, check_ends
from faults.facts import BY_SCHEDULE, Evidence, Lateness, Verdict
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
