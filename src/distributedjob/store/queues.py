"""Queues in use, and what waits in each. Nothing lists them: they are what tasks, executions and nodes name.

Names are found by walking an index from one to the next, so a million tasks on one queue cost no more than one.
"""

from typing import NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, func, literal, select

from distributedjob.model.execution import FIRST_TERMINAL, State
from distributedjob.model.instant import Instant
from distributedjob.store import nodes
from distributedjob.store.tables import execution, task

MOST = 500
"""No more names than these are looked for; an installation has a handful."""

COUNTED = 100_000
"""What waits is counted up to here: the walk through an index that this takes stays within some ten milliseconds."""

PENDING = (execution.c.state == State.PENDING, execution.c.state < FIRST_TERMINAL)


class Backlog(NamedTuple):
    """`pending` is at most COUNTED + 1, which means more than COUNTED. `oldest_at`: the earliest `not_before`."""

    pending: int
    oldest_at: Instant | None


def list_task_queues(connection: Connection) -> list[str]:
    """Queues that tasks name, in order."""
    return _walk(connection, task.c.queue)


def list_pending_queues(connection: Connection) -> list[str]:
    """Queues on which executions wait, in order."""
    return _walk(connection, execution.c.queue, *PENDING)


def list_names(connection: Connection) -> list[str]:
    """Every queue that a task names, an execution waits on or a living worker serves, in order."""
    served = {queue for node in nodes.list_serving(connection) for queue in node.queues}
    return sorted({*list_task_queues(connection), *list_pending_queues(connection), *served})


def count_tasks(connection: Connection, queue: str) -> int:
    """At most COUNTED + 1."""
    return _count(connection, task.c.queue == queue)


def find_backlog(connection: Connection, queue: str) -> Backlog:
    mine = (*PENDING, execution.c.queue == queue)
    pending = _count(connection, *mine)
    if not pending:
        return Backlog(0, None)
    return Backlog(pending, connection.execute(select(func.min(execution.c.not_before)).where(*mine)).scalar())


def _count(connection: Connection, *conditions: ColumnElement[bool]) -> int:
    some = select(literal(1)).where(*conditions).limit(COUNTED + 1).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def _walk(connection: Connection, column: Column[str], *conditions: ColumnElement[bool]) -> list[str]:
    names: list[str] = []
    last = ""
    while len(names) < MOST:
        found = connection.execute(select(func.min(column)).where(*conditions, column > last)).scalar()
        if found is None:
            break
        names.append(found)
        last = found
    return names
