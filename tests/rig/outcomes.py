"""Invariants of results: what the database says became of a call is what the sink did, and terminal is final."""

from collections import defaultdict
from collections.abc import Iterator

from rig.excuses import RECORDED_WITHIN, Excuses
from rig.facts import (
    FAILED,
    MISSED,
    SECOND,
    SKIPPED,
    SUCCEEDED,
    TIMED_OUT,
    UNKNOWN,
    Call,
    Evidence,
    Kind,
    Row,
    Violation,
)

ANSWERED = "answered"
IN_TIME = SECOND // 2
"""An answer this much before the timeout must have been read, however busy the machine."""


class Outcomes:
    """The results of one leg against the sink's log."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._excuses = Excuses(evidence)
        self._timeouts = {plan.task_id: plan.timeout for plan in evidence.plans}
        self._calls: defaultdict[tuple[int, int], list[Call]] = defaultdict(list)
        self._called: set[int] = set()
        for call in evidence.calls:
            self._calls[call.execution_id, call.attempt].append(call)
            self._called.add(call.execution_id)

    def check(self) -> Iterator[Violation]:
        for row in self._evidence.rows:
            yield from self._check_success(row)
            yield from self._check_answer(row)
            yield from self._check_uncalled(row)
            yield from self._check_lost_success(row)
        yield from self._check_attempts()
        yield from self._check_final()

    def _check_success(self, row: Row) -> Iterator[Violation]:
        if row.state == SUCCEEDED and not any(call.succeeded for call in self._calls[row.id, row.attempt]):
            behaviours = [call.behaviour for call in self._calls[row.id, row.attempt]] or ["never called"]
            text = f"execution {row.id} succeeded with attempt {row.attempt}, which the sink met with {behaviours}"
            yield Violation(kind=Kind.FALSE_SUCCESS, text=text)

    def _check_answer(self, row: Row) -> Iterator[Violation]:
        if row.state == FAILED and row.status is not None:
            statuses = {call.status for call in self._calls[row.id, row.attempt]}
            if row.status not in statuses:
                text = f"execution {row.id} failed with status {row.status}; the sink answered {statuses}"
                yield Violation(kind=Kind.FALSE_OUTCOME, text=text)

    def _check_uncalled(self, row: Row) -> Iterator[Violation]:
        if row.state in {SKIPPED, MISSED} and row.id in self._called:
            text = f"execution {row.id} is {row.word}, but it was called"
            yield Violation(kind=Kind.FALSE_OUTCOME, text=text)

    def _check_lost_success(self, row: Row) -> Iterator[Violation]:
        if row.state not in {FAILED, TIMED_OUT, UNKNOWN}:
            return
        for call in self._calls[row.id, row.attempt]:
            if self._was_plain_success(call, row):
                text = (
                    f"execution {row.id} is {row.word} ({row.reason}), but the sink answered 200 and nothing happened"
                )
                yield Violation(kind=Kind.FALSE_OUTCOME, text=text)

    def _was_plain_success(self, call: Call, row: Row) -> bool:
        if not call.succeeded or call.ended_at is None:
            return False
        if call.ended_at - call.arrived_at > self._timeouts.get(call.task_id, 0) - IN_TIME:
            return False
        return not self._excuses.lost_its_node(call, until=row.ended_at or call.ended_at + RECORDED_WITHIN)

    def _check_attempts(self) -> Iterator[Violation]:
        for attempt in self._evidence.attempts:
            if attempt.outcome != ANSWERED:
                continue
            statuses = {call.status for call in self._calls[attempt.execution_id, attempt.no]}
            if attempt.status not in statuses:
                text = (
                    f"attempt {attempt.no} of {attempt.execution_id} is answered {attempt.status}; the sink: {statuses}"
                )
                yield Violation(kind=Kind.FALSE_OUTCOME, text=text)

    def _check_final(self) -> Iterator[Violation]:
        rows = {row.id: row for row in self._evidence.rows}
        for sighting in self._evidence.sightings:
            row = rows.get(sighting.execution_id)
            if row is None or (row.state, row.ended_at) != (sighting.state, sighting.ended_at):
                end = "gone" if row is None else f"{row.word} at {row.ended_at}"
                text = (
                    f"execution {sighting.execution_id} was in state {sighting.state} at {sighting.ended_at}, now {end}"
                )
                yield Violation(kind=Kind.NOT_FINAL, text=text)
