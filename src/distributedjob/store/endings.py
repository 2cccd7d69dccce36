"""Ending rows that nobody runs, and asking those that do. Conditional on the state, like every update of one."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from distributedjob.model.execution import Flag, State
from distributedjob.model.instant import Instant
from distributedjob.store.tables import execution

WAITING = (State.PENDING, State.BLOCKED)


class Ended(NamedTuple):
    id: int
    task_id: int
    source_id: int
    department_id: int


def end_waiting(
    connection: Connection, ids: Iterable[int], *, state: State, reason: str, ended_at: Instant
) -> list[Ended]:
    """End those of `ids` that are pending or blocked; returns them."""
    columns = (execution.c[name] for name in Ended._fields)
    query = (
        select(*columns, execution.c.state)
        .where(execution.c.id.in_(list(ids)))
        .order_by(execution.c.id)
        .with_for_update()
    )
    rows = [Ended(*row[:-1]) for row in connection.execute(query) if row.state in WAITING]
    if rows:
        connection.execute(
            update(execution)
            .where(execution.c.id.in_([row.id for row in rows]), execution.c.state.in_(WAITING))
            .values(state=state, reason=reason, ended_at=ended_at)
        )
    return rows


def ask_to_cancel(connection: Connection, ids: Iterable[int], *, flag: Flag) -> list[int]:
    """Set `cancel_asked`, and `flag` with it, on those of `ids` that are running; returns them. Who asked first is
    whom the end will name."""
    running = (execution.c.id.in_(list(ids)), execution.c.state == State.RUNNING)
    found = list(connection.execute(select(execution.c.id).where(*running).with_for_update()).scalars())
    if found:
        unasked = (execution.c.id.in_(found), execution.c.cancel_asked == False)  # noqa: E712
        asked = {"cancel_asked": True, "flags": execution.c.flags.bitwise_or(flag)}
        connection.execute(update(execution).where(*unasked).values(asked))
    return found


def list_past_deadline(connection: Connection, *, now: Instant, limit: int) -> Sequence[int]:
    """Pending and blocked executions that may not start any more."""
    query = (
        select(execution.c.id)
        .where(execution.c.state.in_(WAITING), execution.c.state < 10, execution.c.deadline_at <= now)
        .limit(limit)
    )
    return connection.execute(query).scalars().all()
