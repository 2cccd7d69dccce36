"""Ending executions that nobody runs, superseded, replaced, cancelled or expired, with the traces they leave."""

from collections.abc import Iterable

from distributedjob.dispatch.port import CancelAsked, RoomMade
from distributedjob.model.execution import Flag, Reason, State
from distributedjob.services.desk import Transaction
from distributedjob.store import endings
from distributedjob.store.endings import Ended
from distributedjob.store.hot.rows import FailureRow

WORDS = {
    Reason.SUPERSEDED: "a newer execution took its place in the wait",
    Reason.REPLACED: "a newer execution replaced it",
    Reason.ASKED: "cancelled before it was called",
    Reason.DEADLINE: "its deadline passed before it could start",
}


def end_waiting(tx: Transaction, ids: Iterable[int], *, state: State, reason: Reason) -> list[Ended]:
    """End those of `ids` that are pending or blocked; returns them. Running and ended ones are left alone."""
    rows = endings.end_waiting(tx.connection, ids, state=state, reason=reason, ended_at=tx.now)
    if not rows:
        return []
    tx.hot.leave_gates(tx.connection, [row.id for row in rows])
    if state is not State.SKIPPED:
        words = WORDS[reason]
        failures = [FailureRow(row.id, row.task_id, row.department_id, state, "none", reason, words) for row in rows]
        tx.hot.insert_failures(tx.connection, failures)
    tx.news.append(RoomMade(frozenset(row.task_id for row in rows)))
    return rows


def ask_to_cancel(tx: Transaction, ids: Iterable[int], *, reason: Reason = Reason.ASKED) -> list[int]:
    """Ask the holders of running executions to stop; returns which are running. They end for this reason."""
    flag = Flag.REPLACED if reason is Reason.REPLACED else Flag.NONE
    found = endings.ask_to_cancel(tx.connection, ids, flag=flag)
    tx.news.extend(CancelAsked(id_) for id_ in found)
    return found


def cancel(tx: Transaction, ids: Iterable[int], *, reason: Reason = Reason.ASKED) -> None:
    """Cancel: waiting executions end now, running ones are asked to stop."""
    wanted = set(ids)
    ended = end_waiting(tx, wanted, state=State.CANCELLED, reason=reason)
    ask_to_cancel(tx, wanted - {row.id for row in ended}, reason=reason)
