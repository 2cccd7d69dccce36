"""The judge: all invariants over the evidence of one leg, and the figures of the report."""

from collections import Counter

from rig.conduct import Conduct
from rig.decisions import check_decisions, check_ends
from rig.excuses import Excuses
from rig.facts import BY_SCHEDULE, SECOND, SUCCEEDED, Evidence, Fault, Harm, Lateness, Verdict
from rig.outcomes import Outcomes


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
        replayed=_count_replayed(evidence),
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


def _count_replayed(evidence: Evidence) -> int:
    excuses = Excuses(evidence)
    won = {(row.id, row.attempt) for row in evidence.rows if row.state == SUCCEEDED}
    answered = [call for call in evidence.calls if call.succeeded and (call.execution_id, call.attempt) in won]
    return sum(_was_killed_while_cut(call.ended_at or 0, excuses.harms_to_holder(call)) for call in answered)


def _was_killed_while_cut(answered_at: int, faults: tuple[Fault, ...]) -> bool:
    cuts = [fault for fault in faults if fault.harm is Harm.CUT and fault.started_at < answered_at < fault.ended_at]
    kills = [fault.started_at for fault in faults if fault.harm is Harm.KILL]
    return any(cut.started_at < killed_at <= cut.ended_at + SECOND for cut in cuts for killed_at in kills)
