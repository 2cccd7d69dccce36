"""Results become final: one transaction for a whole batch, every part of it bound to holder and fence."""

from collections.abc import Sequence
from dataclasses import dataclass

from distributedjob.dispatch.port import RoomMade
from distributedjob.model.execution import FIRST_TERMINAL, Hint, State
from distributedjob.runtime import crash
from distributedjob.services.desk import Transaction
from distributedjob.services.results import Result


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch: the state of each result that counted, and those that came too late."""

    states: dict[int, int]
    late: tuple[int, ...]


def write_results(tx: Transaction, results: Sequence[Result]) -> Written:
    """Write results; hints for retries and news of room go with the transaction."""
    crash.reached("before_result")
    states = tx.hot.finish(tx.connection, [result.row for result in results])
    late = [result for result in results if result.row.id not in states]
    if late:
        late = _replay(tx, late, states)
    write_traces(tx, [result for result in results if result.row.id in states], states)
    if late:
        _keep_evidence(tx, late)
    _tell(tx, results, states)
    crash.reached("after_result")
    return Written(states, tuple(result.row.id for result in late))


def _replay(tx: Transaction, late: list[Result], states: dict[int, int]) -> list[Result]:
    """A late result still ends a row that was rescued and not claimed again; returns the others."""
    ended = tx.hot.finish_rescued(tx.connection, [result.row for result in late])
    states.update({result.row.id: result.row.state for result in late if result.row.id in ended})
    return [result for result in late if result.row.id not in ended]


def write_traces(tx: Transaction, results: Sequence[Result], states: dict[int, int]) -> None:
    """Outputs; an attempt row where the execution goes on, a failure row where it ended without success."""
    outputs = [result.output for result in results if result.output is not None]
    if outputs:
        tx.hot.insert_outputs(tx.connection, outputs)
    going_on = [result for result in results if states[result.row.id] < FIRST_TERMINAL and not result.row.given_back]
    tx.hot.insert_attempts(tx.connection, [result.attempt_row() for result in going_on])
    failures = [
        result.failure_row(states[result.row.id]) for result in results if states[result.row.id] > State.SUCCEEDED
    ]
    tx.hot.insert_failures(tx.connection, failures)


def _keep_evidence(tx: Transaction, late: Sequence[Result]) -> None:
    """Somebody else's word stands; what this attempt saw is kept beside it."""
    tx.hot.insert_attempts(tx.connection, [result.attempt_row(evidence=1) for result in late])
    tx.hot.insert_outputs(
        tx.connection, [result.output._replace(evidence=1) for result in late if result.output is not None]
    )


def _tell(tx: Transaction, results: Sequence[Result], states: dict[int, int]) -> None:
    tell_room(tx, results, states)
    for result in results:
        row = result.row
        if states.get(row.id) == State.PENDING and row.not_before is not None:
            tx.news.append(Hint(row.id, row.fence, row.not_before, result.queue))


def tell_room(tx: Transaction, results: Sequence[Result], states: dict[int, int]) -> None:
    """Let ended executions leave their gates, and say so if anybody may have waited for it."""
    ended = [result for result in results if states.get(result.row.id, 0) >= FIRST_TERMINAL]
    if not ended:
        return
    left = tx.hot.leave_gates(tx.connection, [result.row.id for result in ended])
    if left or any(result.from_end for result in ended):
        tx.news.append(RoomMade(frozenset(result.task_id for result in ended)))
