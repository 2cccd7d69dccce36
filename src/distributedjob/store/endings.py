"""Ending rows that nobody runs, and asking those that do. Conditional on the state, like every update of one."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from distributedjob.model.execution import Flag, State
from distributedjob.model.instant import Instant
from distributedjob.store.tables import execution

WAITING = (State.PENDING, State.BLOCKED)


class Waiting(NamedTuple):
    """A pending or blocked execution as it stands in the `live` index, and its deadline."""

    state: int
    queue: str
    priority: int
    not_before: Instant
    id: int
    deadline_at: Instant


FIRST = Waiting(0, "", 0, 0, 0, 0)
"""Stands before all of them."""

LIVE = [execution.c[name] for name in Waiting._fields[:-1]]
LIVE_HINTS = (("INDEXED BY live", "sqlite"), ("FORCE INDEX (live)", "mysql"), ("FORCE INDEX (live)", "mariadb"))


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


def list_waiting(connection: Connection, *, after: Waiting, limit: int) -> list[Waiting]:
    """The next `limit` pending and blocked executions behind one, in the order of the `live` index: a page costs the
    same however long the backlog is."""
    found: list[Waiting] = []
    for depth in reversed(range(len(LIVE))):
        if len(found) < limit:
            same = (LIVE[n] == after[n] for n in range(depth))
            beyond = (*same, LIVE[depth] > after[depth], execution.c.state <= State.BLOCKED, execution.c.state < 10)
            query = select(*LIVE, execution.c.deadline_at).where(*beyond).order_by(*LIVE[depth:])
            for hint, dialect in LIVE_HINTS:
                query = query.with_hint(execution, hint, dialect)
            found += map(Waiting._make, connection.execute(query.limit(limit - len(found))))
    return found
