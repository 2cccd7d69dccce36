"""The gate of a task, held: its row locked, its entries read, and what the rules decide written.

One row lock per task makes overlap exact: whoever admits sees every entry that was committed before.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from distributedjob.model.execution import FIRST_TERMINAL, Reason, State
from distributedjob.model.policies import Policies
from distributedjob.rules.admission import Entry, admit
from distributedjob.services.desk import Transaction
from distributedjob.services.ending import cancel_replaced, end_waiting
from distributedjob.store.hot.rows import ExecutionRow
from distributedjob.store.tables import execution, gate, gate_entry


class Gatekeeper:
    """Holds the gates of some tasks until the transaction ends."""

    def __init__(self, tx: Transaction, task_ids: Iterable[int]) -> None:
        self._tx = tx
        self._entries = lock_gates(tx, sorted(set(task_ids)))
        self._new: list[dict[str, object]] = []
        self._superseded: set[int] = set()
        self._replaced: set[int] = set()

    def entries(self, task_id: int) -> Sequence[Entry]:
        return self._entries[task_id]

    def admit(self, row: ExecutionRow, policies: Policies) -> ExecutionRow:
        """Decide for one newcomer; later newcomers of the same task see the decision."""
        decided = admit(policies, self._entries[row.task_id])
        self._superseded.update(decided.superseded)
        self._replaced.update(decided.replaced)
        gone = {*decided.superseded, *decided.replaced}
        kept = [entry for entry in self._entries[row.task_id] if entry.execution_id not in decided.superseded]
        self._entries[row.task_id] = kept
        if decided.state is State.SKIPPED:
            return row._replace(state=State.SKIPPED, reason=decided.reason, ended_at=self._tx.now)
        waiting = decided.state is State.BLOCKED
        kept.append(Entry(row.id, waiting))
        self._new.append({"execution_id": row.id, "task_id": row.task_id, "waiting": waiting})
        assert row.id not in gone
        return row._replace(state=decided.state, reason=decided.reason)

    def write(self) -> None:
        """Write what was decided; the rows themselves are the caller's."""
        fresh = [entry for entry in self._new if entry["execution_id"] not in self._superseded]
        if fresh:
            self._tx.connection.execute(insert(gate_entry), fresh)
        if self._superseded:
            end_waiting(self._tx, self._superseded, state=State.SKIPPED, reason=Reason.SUPERSEDED)
        if self._replaced:
            cancel_replaced(self._tx, self._replaced)


def lock_gates(tx: Transaction, task_ids: Sequence[int]) -> dict[int, list[Entry]]:
    """Lock the gate rows in order of id, making those that are not there yet, and read their entries."""
    found = _lock(tx.connection, task_ids)
    for task_id in task_ids:
        if task_id not in found:
            _make(tx.connection, task_id)
    if len(found) < len(task_ids):
        _lock(tx.connection, task_ids)
    entries: dict[int, list[Entry]] = defaultdict(list)
    columns = (gate_entry.c.task_id, gate_entry.c.execution_id, gate_entry.c.waiting)
    for row in tx.connection.execute(select(*columns).where(gate_entry.c.task_id.in_(task_ids))):
        entries[row.task_id].append(Entry(row.execution_id, row.waiting))
    return entries


def _lock(connection: Connection, task_ids: Sequence[int]) -> set[int]:
    query = select(gate.c.task_id).where(gate.c.task_id.in_(task_ids)).order_by(gate.c.task_id).with_for_update()
    return set(connection.execute(query).scalars())


def _make(connection: Connection, task_id: int) -> None:
    try:
        connection.execute(insert(gate).values(task_id=task_id))
    except IntegrityError:
        return  # another node made it just now; the lock that follows waits for it


def open_gate(tx: Transaction, task_id: int) -> None:
    """Turn a task's gate on: its unfinished executions get their entries, read under the gate's lock."""
    known = {entry.execution_id for entry in lock_gates(tx, [task_id])[task_id]}
    query = (
        select(execution.c.id, execution.c.state)
        .where(execution.c.task_id == task_id, execution.c.state < FIRST_TERMINAL)
        .with_for_update()
    )
    fresh = [
        {"execution_id": row.id, "task_id": task_id, "waiting": row.state == State.BLOCKED}
        for row in tx.connection.execute(query)
        if row.id not in known
    ]
    if fresh:
        tx.connection.execute(insert(gate_entry), fresh)


def delete_gate(tx: Transaction, task_id: int) -> None:
    """Forget the gate of a deleted task; entries stay until their executions end."""
    tx.connection.execute(delete(gate).where(gate.c.task_id == task_id))


def set_waiting(tx: Transaction, execution_ids: Sequence[int]) -> None:
    """Mark entries as admitted."""
    tx.connection.execute(update(gate_entry).where(gate_entry.c.execution_id.in_(execution_ids)).values(waiting=False))
