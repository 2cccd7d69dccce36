"""Ending executions that nobody runs: superseded, replaced, cancelled, expired. Conditional, with their traces."""

from collections.abc import Iterable, Sequence

from typing import Any

from sqlalchemy import Row, select, update

from distributedjob.dispatch.port import CancelAsked, RoomMade
from distributedjob.model.execution import Reason, State
from distributedjob.services.desk import Transaction
from distributedjob.store.hot.rows import FailureRow
from distributedjob.store.tables import execution

WORDS = {
    Reason.SUPERSEDED: "a newer execution took its place in the wait",
    Reason.REPLACED: "a newer execution replaced it",
    Reason.ASKED: "cancelled before it was called",
    Reason.DEADLINE: "its deadline passed before it could start",
}


def end_waiting(tx: Transaction, ids: Iterable[int], *, state: State, reason: Reason) -> list[int]:
    """End those of `ids` that are pending or blocked; returns which. Running and ended ones are left alone."""
    columns = (execution.c.id, execution.c.task_id, execution.c.department_id, execution.c.state)
    query = select(*columns).where(execution.c.id.in_(list(ids))).order_by(execution.c.id).with_for_update()
    rows = [row for row in tx.connection.execute(query) if row.state in (State.PENDING, State.BLOCKED)]
    ended = [row.id for row in rows]
    if not ended:
        return []
    tx.connection.execute(
        update(execution)
        .where(execution.c.id.in_(ended), execution.c.state.in_((State.PENDING, State.BLOCKED)))
        .values(state=state, reason=reason, ended_at=tx.now)
    )
    _leave_traces(tx, rows, state=state, reason=reason)
    return ended


def _leave_traces(
    tx: Transaction, rows: Sequence[Row[tuple[int, int, int, int]]], *, state: State, reason: Reason
) -> None:
    tx.hot.leave_gates(tx.connection, [row.id for row in rows])
    if state is not State.SKIPPED:
        failures = [
            FailureRow(row.id, row.task_id, row.department_id, state, "none", reason, WORDS[reason]) for row in rows
        ]
        tx.hot.insert_failures(tx.connection, failures)
    tx.news.append(RoomMade())


def ask_to_cancel(tx: Transaction, ids: Iterable[int]) -> list[int]:
    """Ask the holders of running executions to stop; returns which are running."""
    running = (execution.c.id.in_(list(ids)), execution.c.state == State.RUNNING)
    found = list(tx.connection.execute(select(execution.c.id).where(*running).with_for_update()).scalars())
    if found:
        tx.connection.execute(update(execution).where(execution.c.id.in_(found)).values(cancel_asked=True))
        tx.news.extend(CancelAsked(id_) for id_ in found)
    return found


def cancel_replaced(tx: Transaction, ids: Iterable[int]) -> None:
    """Make room for a newer execution: waiting ones end now, running ones are asked to."""
    wanted = set(ids)
    ask_to_cancel(tx, wanted - set(end_waiting(tx, wanted, state=State.CANCELLED, reason=Reason.REPLACED)))
