"""Executions whose worker is gone: due again at once, or ended, by the pure rules, with the fence raised."""

from collections.abc import Mapping, Sequence

from distributedjob.model.execution import Flag, Hint, State
from distributedjob.model.policies import Delivery, Policies
from distributedjob.model.task import TaskDefinition
from distributedjob.rules.verdict import Run, Verdict, after_loss
from distributedjob.services.desk import Transaction
from distributedjob.services.finishing import tell_room, write_traces
from distributedjob.services.results import Result
from distributedjob.store.hot.rows import ResultRow
from distributedjob.store.runs import LostRow, lock_lost

_UNREADABLE = {True: Policies(delivery=Delivery.AT_MOST_ONCE), False: Policies()}
"""What is taken for the policies where the definition cannot be read, by whether a start mark is set."""

MESSAGE = "the worker was lost before it recorded a result; the target may have done the work"


def rescue(tx: Transaction, rows: Sequence[LostRow]) -> int:
    """Rescue rows that were found lost; those that moved on in between are left alone. Returns how many.

    Decided on what the rows say under their locks: a worker that does not know yet that it is lost may have set its
    start mark since they were found, and what is marked may have been called.
    """
    rows = lock_lost(tx.connection, rows)
    if not rows:
        return 0
    definitions = tx.revisions.load(tx.connection, ((row.task_id, row.revision) for row in rows))
    results = [_result(row, _decide(tx, row, definitions), tx) for row in rows]
    states = tx.hot.rescue(tx.connection, [result.row for result in results])
    rescued = [result for result in results if result.row.id in states]
    write_traces(tx, rescued, states)
    tell_room(tx, rescued, states)
    for result in rescued:
        if states[result.row.id] == State.PENDING:
            tx.news.append(Hint(result.row.id, result.row.fence + 1, tx.now, result.queue))
    return len(rescued)


def _decide(tx: Transaction, row: LostRow, definitions: Mapping[tuple[int, int], TaskDefinition]) -> Verdict:
    definition = definitions.get((row.task_id, row.revision))
    policies = _UNREADABLE[row.marked] if definition is None else definition.policies
    has_fallback = definition is not None and definition.fallback is not None
    run = Run(policies, has_fallback, row.attempt, row.started_at or tx.now, Flag(row.flags))
    return after_loss(run, marked=row.marked, cancel_asked=row.cancel_asked, now=tx.now)


def _result(row: LostRow, verdict: Verdict, tx: Transaction) -> Result:
    result = ResultRow(
        id=row.id,
        holder=row.holder,
        fence=row.fence,
        state=verdict.state,
        reason=verdict.reason,
        not_before=verdict.not_before,
        given_back=int(verdict.given_back),
        status=None,
        sent_at=None,
        ended_at=tx.now,
        flags=verdict.flags,
        attempt=row.attempt,
    )
    return Result(
        row=result,
        task_id=row.task_id,
        department_id=row.department_id,
        queue=row.queue,
        outcome="lost",
        reason="worker_lost",
        message=MESSAGE,
        claimed_at=row.claimed_at,
        from_end=bool(row.flags & Flag.FROM_END),
        output=None,
    )
