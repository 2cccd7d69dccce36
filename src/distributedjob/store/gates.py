"""Gate rows and the entries of unfinished executions behind them."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from distributedjob.model.execution import FIRST_TERMINAL, State
from distributedjob.rules.admission import Entry
from distributedjob.store.tables import execution, gate, gate_entry

EntryRow = tuple[int, int, bool]
"""(execution_id, task_id, waiting)."""


def lock_gates(connection: Connection, task_ids: Sequence[int]) -> dict[int, list[Entry]]:
    """Lock the gate rows in order of id, making those that are not there yet, and read their entries."""
    found = _lock(connection, task_ids)
    for task_id in task_ids:
        if task_id not in found:
            _make(connection, task_id)
    if len(found) < len(task_ids):
        _lock(connection, task_ids)
    return read_entries(connection, task_ids)


def read_entries(connection: Connection, task_ids: Sequence[int]) -> dict[int, list[Entry]]:
    """Who is at these tasks' gates; tasks without anybody are absent until they are asked for."""
    entries: dict[int, list[Entry]] = defaultdict(list)
    columns = (gate_entry.c.task_id, gate_entry.c.execution_id, gate_entry.c.waiting)
    for row in connection.execute(select(*columns).where(gate_entry.c.task_id.in_(task_ids))):
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


def insert_entries(connection: Connection, rows: Sequence[EntryRow]) -> None:
    if rows:
        names = ("execution_id", "task_id", "waiting")
        connection.execute(insert(gate_entry), [dict(zip(names, row, strict=True)) for row in rows])


def lock_unfinished(connection: Connection, task_id: int) -> list[EntryRow]:
    """The task's unfinished executions as gate entries, locked."""
    query = (
        select(execution.c.id, execution.c.state)
        .where(execution.c.task_id == task_id, execution.c.state < FIRST_TERMINAL)
        .with_for_update()
    )
    return [(row.id, task_id, row.state == State.BLOCKED) for row in connection.execute(query)]


def delete_gate(connection: Connection, task_id: int) -> None:
    """Forget the gate of a deleted task; entries stay until their executions end."""
    connection.execute(delete(gate).where(gate.c.task_id == task_id))


def list_waiting_tasks(connection: Connection, *, after: int, limit: int) -> list[int]:
    """Tasks with executions that wait at their gate, in order of id, from beyond `after` on."""
    waiting = (gate_entry.c.waiting == True, gate_entry.c.task_id > after)  # noqa: E712
    query = select(gate_entry.c.task_id).where(*waiting).distinct().order_by(gate_entry.c.task_id).limit(limit)
    return list(connection.execute(query).scalars())


def delete_stale_entries(connection: Connection, *, limit: int) -> int:
    """Drop entries whose execution is terminal or gone, so that none can close a gate for ever."""
    query = (
        select(gate_entry.c.execution_id)
        .outerjoin(execution, execution.c.id == gate_entry.c.execution_id)
        .where(or_(execution.c.id.is_(None), execution.c.state >= FIRST_TERMINAL))
        .limit(limit)
    )
    stale = list(connection.execute(query).scalars())
    if stale:
        connection.execute(delete(gate_entry).where(gate_entry.c.execution_id.in_(stale)))
    return len(stale)


def unblock(connection: Connection, execution_ids: Sequence[int]) -> list[tuple[int, int, int, str]]:
    """Let blocked executions start; returns (id, fence, not_before, queue) of those that were."""
    blocked = (execution.c.id.in_(execution_ids), execution.c.state == State.BLOCKED)
    columns = (execution.c.id, execution.c.fence, execution.c.not_before, execution.c.queue)
    rows = list(connection.execute(select(*columns).where(*blocked).order_by(execution.c.id).with_for_update()))
    ids = [row.id for row in rows]
    if ids:
        connection.execute(update(execution).where(execution.c.id.in_(ids)).values(state=State.PENDING, reason=None))
        connection.execute(update(gate_entry).where(gate_entry.c.execution_id.in_(ids)).values(waiting=False))
    return [(row.id, row.fence, row.not_before, row.queue) for row in rows]
