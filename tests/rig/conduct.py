"""Invariants of calling: who was called again, with which number and key, after which end, and beside whom."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise

from rig.excuses import SLACK, Excuses
from rig.facts import SECOND, Call, Evidence, Kind, Plan, Row, Violation

CANCEL_GRACE = 1_500_000
"""How long after the acknowledgement of a cancel a call that was being started may still arrive."""


class Conduct:
    """The calls of one leg, grouped by execution, and what may be said against them."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._excuses = Excuses(evidence)
        self._rows = {row.id: row for row in evidence.rows}
        self._plans = {plan.task_id: plan for plan in evidence.plans}
        self._by_execution: defaultdict[int, list[Call]] = defaultdict(list)
        for call in evidence.calls:
            self._by_execution[call.execution_id].append(call)
        self.explained = 0
        self.unexplained = 0

    def check(self) -> Iterator[Violation]:
        for execution_id, calls in self._by_execution.items():
            row = self._rows.get(execution_id)
            if row is None:
                text = f"{len(calls)} calls of execution {execution_id}, which was never recorded"
                yield Violation(kind=Kind.UNRECORDED_CALL, text=text)
                continue
            yield from self._check_repeats(calls)
            yield from self._check_numbers(calls)
            yield from self._check_ends(calls, row)
            if (plan := self._plans.get(row.task_id)) is not None:
                yield from self._check_policy(calls, plan)
        yield from self._check_cancels()
        yield from self._check_overlaps()

    def _check_repeats(self, calls: list[Call]) -> Iterator[Violation]:
        for earlier, later in pairwise(calls):
            if self._excuses.explains_repeat(earlier, until=later.arrived_at):
                self.explained += 1
                continue
            self.unexplained += 1
            text = f"execution {later.execution_id} was called again at {later.arrived_at} though {_told(earlier)}"
            yield Violation(kind=Kind.UNEXPLAINED_CALL, text=text)
        if len(keys := {call.key for call in calls}) > 1 or "" in keys:
            text = f"execution {calls[0].execution_id} was called with the keys {sorted(keys)}"
            yield Violation(kind=Kind.KEY_CHANGED, text=text)

    def _check_numbers(self, calls: list[Call]) -> Iterator[Violation]:
        for attempt, count in Counter(call.attempt for call in calls).items():
            if count > 1:
                text = f"execution {calls[0].execution_id} was called {count} times as attempt {attempt}"
                yield Violation(kind=Kind.ATTEMPT_REUSED, text=text)
        for earlier, later in pairwise(calls):
            if later.attempt < earlier.attempt and not self._excuses.was_frozen(later):
                text = f"execution {later.execution_id}: attempt {later.attempt} arrived after {earlier.attempt}"
                yield Violation(kind=Kind.ATTEMPT_REUSED, text=text)

    def _check_ends(self, calls: list[Call], row: Row) -> Iterator[Violation]:
        for call in calls:
            later = row.terminal and row.ended_at is not None and call.arrived_at > row.ended_at + SLACK
            beyond = row.terminal and call.attempt > row.attempt
            if beyond or (later and not self._excuses.was_frozen(call)):
                end = f"ended as {row.word} with attempt {row.attempt} at {row.ended_at}"
                text = f"execution {row.id} {end}; {_told(call)}"
                yield Violation(kind=Kind.CALLED_AFTER_END, text=text)

    def _check_policy(self, calls: list[Call], plan: Plan) -> Iterator[Violation]:
        if plan.at_most_once and len(calls) > 1:
            text = f"execution {calls[0].execution_id} of {plan.name} is at most once and was called {len(calls)} times"
            yield Violation(kind=Kind.CALLED_TWICE, text=text)
        most = max(call.attempt for call in calls)
        if max(most, len(calls)) > plan.max_attempts:
            text = f"execution {calls[0].execution_id} of {plan.name}: {len(calls)} calls, attempt {most} at most"
            yield Violation(kind=Kind.TOO_MANY_ATTEMPTS, text=f"{text}, {plan.max_attempts} allowed")

    def _check_cancels(self) -> Iterator[Violation]:
        for cancel in self._evidence.cancels:
            for call in self._by_execution.get(cancel.execution_id, ()):
                if call.arrived_at > cancel.acknowledged_at + CANCEL_GRACE:
                    text = f"execution {call.execution_id} was cancelled at {cancel.acknowledged_at}; {_told(call)}"
                    yield Violation(kind=Kind.CALLED_AFTER_CANCEL, text=text)

    def _check_overlaps(self) -> Iterator[Violation]:
        by_task: defaultdict[int, list[Call]] = defaultdict(list)
        for call in self._evidence.calls:
            by_task[call.task_id].append(call)
        for plan in self._evidence.plans:
            if plan.one_at_a_time:
                yield from self._check_one_at_a_time(plan, by_task[plan.task_id])

    def _check_one_at_a_time(self, plan: Plan, calls: list[Call]) -> Iterator[Violation]:
        in_the_air: list[Call] = []
        for call in calls:
            in_the_air = [other for other in in_the_air if _in_the_air(other, call.arrived_at)]
            for other in in_the_air:
                if not any(self._excuses.harms(other, start=other.arrived_at, end=call.arrived_at)):
                    text = f"{plan.name} runs one at a time; {_told(call)}, while {_told(other)}"
                    yield Violation(kind=Kind.OVERLAPPED, text=text)
            in_the_air.append(call)


def _in_the_air(call: Call, instant: int) -> bool:
    return call.ended_at is None or call.ended_at > instant + SLACK


def _told(call: Call) -> str:
    after = "" if call.ended_at is None else f" after {(call.ended_at - call.arrived_at) / SECOND:.3f} s"
    answer = f" with {call.status}" if call.status else ""
    return (
        f"attempt {call.attempt} of {call.execution_id} came at {call.arrived_at} and was {call.ending}{answer}{after}"
    )
