"""How late fires were called, by what was going wrong at the time, and what each death cost.

Counted from the fire time to the first arrival at the target, over scheduled executions of tasks that wait for nobody.
A fire belongs to the faults that were going on when it was due, and for a while after, until their mark has worn off;
where two overlap, to the one that may delay it longer.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cluster.field import PAIRS, TO_ARM
from rig.facts import BY_SCHEDULE, SECOND, SUCCEEDED, Call, Evidence, Fault, Harm, holders_of

CALM = "calm"


@dataclass(frozen=True, slots=True)
class Bound:
    """How late the 99th of a hundred may be (seconds), and how long the mark of such a fault lasts."""

    p99: float
    wears_off: float


_BY_WORD = {
    "scheduler": Bound(8.0, 7.0),
    "worker": Bound(20.0, 3.0),
    "line": Bound(20.0, 3.0),
    "COMMIT": Bound(10.0, 3.0),
    "clock": Bound(2.0, 1.0),
    "mariadb": Bound(50.0, 5.0),
    "etcd": Bound(8.0, 3.0),
    "kafka": Bound(2.0, 3.0),
    "redis": Bound(2.0, 2.0),
    PAIRS: Bound(75.0, 10.0),
    CALM: Bound(1.0, 0.0),
}
_BY_GROUP = {
    "scheduler stopped": Bound(1.5, 2.0),
    "worker stopped": Bound(2.0, 2.0),
    "mariadb killed": Bound(12.0, 5.0),
    "mariadb restarted": Bound(12.0, 5.0),
    "mariadb frozen": Bound(20.0, 5.0),
    "mariadb read-only": Bound(18.0, 5.0),
}


def bound_of(group: str) -> Bound:
    return _BY_GROUP.get(group) or _BY_WORD[group.split(maxsplit=1)[0]]


def first_calls(evidence: Evidence) -> dict[int, Call]:
    """The first call of each execution."""
    first: dict[int, Call] = {}
    for call in evidence.calls:
        first.setdefault(call.execution_id, call)
    return first


def lateness_by_group(evidence: Evidence) -> dict[str, list[int]]:
    """Microseconds, unsorted."""
    waiting = {plan.task_id for plan in evidence.plans if plan.one_at_a_time}
    windows = [_window(fault) for fault in evidence.faults]
    late: defaultdict[str, list[int]] = defaultdict(list)
    first = first_calls(evidence)
    for row in evidence.rows:
        call = first.get(row.id)
        if call is not None and row.trigger == BY_SCHEDULE and row.task_id not in waiting:
            late[_group_at(row.fire_at, windows)].append(call.arrived_at - row.fire_at)
    return dict(late)


def percentile(values: Sequence[int], share: float) -> int:
    """Of values in any order; 0 for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0


def takeovers(evidence: Evidence, group: str) -> list[int]:
    """Of each scheduler that ended so: how late the next fire of any task was, at worst (microseconds)."""
    waiting = {plan.task_id for plan in evidence.plans if plan.one_at_a_time}
    first = first_calls(evidence)
    fires = [
        (row.fire_at, first[row.id].arrived_at)
        for row in evidence.rows
        if row.trigger == BY_SCHEDULE and row.task_id not in waiting and row.id in first
    ]
    found = []
    for fault in evidence.faults:
        if fault.group == group and fault.detail != TO_ARM:
            late = [arrived_at - at for at, arrived_at in fires if fault.started_at <= at <= fault.started_at + SECOND]
            found.append(max(late, default=0))
    return found


def repeats_after(evidence: Evidence, groups: Iterable[str]) -> list[int]:
    """From the harm to a worker until the next attempt of each call that it had in the air (microseconds)."""
    pids = {session.id: session.pid for session in evidence.sessions}
    holders = holders_of(evidence)
    by_execution: defaultdict[int, list[Call]] = defaultdict(list)
    for call in evidence.calls:
        by_execution[call.execution_id].append(call)
    found = []
    for fault in evidence.faults:
        if fault.group not in groups or fault.harm is Harm.RESTART:
            continue
        for calls in by_execution.values():
            for earlier, later in pairwise(calls):
                holder = holders.get((earlier.execution_id, earlier.attempt))
                if pids.get(holder or 0) == fault.pid and _in_the_air(earlier, fault):
                    found.append(later.arrived_at - fault.started_at)
    return found


def answers_without_database(evidence: Evidence) -> tuple[int, int]:
    """How many calls succeeded while the database was harmed, and how many of these are in the books as that."""
    away = [(f.started_at, f.ended_at) for f in evidence.faults if f.harm is Harm.NEIGHBOUR and f.detail == "mariadb"]
    won = {(row.id, row.attempt) for row in evidence.rows if row.state == SUCCEEDED}
    answered = [
        call
        for call in evidence.calls
        if call.succeeded and call.ended_at and any(start < call.ended_at < end for start, end in away)
    ]
    return len(answered), sum((call.execution_id, call.attempt) in won for call in answered)


def _in_the_air(call: Call, fault: Fault) -> bool:
    """A call that a kill ends is lost at that moment, as the sink sees it; a frozen caller does not read its answer."""
    if call.arrived_at > fault.started_at or call.ended_at is None:
        return False
    if fault.harm is Harm.FREEZE:
        return call.ended_at >= fault.started_at
    return call.ended_at >= fault.started_at - SECOND // 10 and not call.status


def _window(fault: Fault) -> tuple[int, int, str]:
    wears_off = round(bound_of(fault.group).wears_off * SECOND)
    ended_at = max(fault.ended_at, fault.over_at)
    return fault.started_at - 2 * SECOND, ended_at + wears_off, fault.group


def _group_at(instant: int, windows: Sequence[tuple[int, int, str]]) -> str:
    groups = [group for start, end, group in windows if start <= instant <= end]
    return max(groups, key=lambda group: bound_of(group).p99, default=CALM)
