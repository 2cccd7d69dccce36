"""Counts of executions, over a stretch that is short enough to be counted."""

from typing import NamedTuple

from sqlalchemy import Connection, func, literal_column, select

from distributedjob.model.identity import Principal
from distributedjob.store.scope import visible
from distributedjob.store.tables import execution

COUNTED = 100_000
"""No more rows than these are looked at, other departments' included: a few tenths of a second."""


class Count(NamedTuple):
    state: int
    trigger: int
    executions: int


def count_by_state(
    connection: Connection, *, principal: Principal, from_id: int, below_id: int, task_id: int | None
) -> list[Count]:
    """By state and trigger, of the executions whose ids lie in [from_id, below_id)."""
    query = (
        select(execution.c.state, execution.c.trigger, func.count())
        .where(execution.c.id >= from_id, execution.c.id < below_id, visible(execution, principal))
        .group_by(execution.c.state, execution.c.trigger)
    )
    if task_id is not None:
        query = query.where(execution.c.task_id == task_id)
    return [Count(*row) for row in connection.execute(query)]


def first_counted_id(connection: Connection, *, from_id: int, below_id: int) -> int:
    """`from_id`, or the id from which on `COUNTED` rows lie below `below_id`."""
    query = (
        select(execution.c.id)
        .where(execution.c.id >= from_id, execution.c.id < below_id)
        .order_by(execution.c.id.desc())
        .offset(COUNTED)
        .limit(1)
    )
    beyond = connection.execute(query).scalar()
    return from_id if beyond is None else beyond + 1


def count_unfinished(connection: Connection, *, principal: Principal, task_id: int | None) -> dict[int, int]:
    """state → how many executions are in it now."""
    query = (
        select(execution.c.state, func.count())
        .where(literal_column("execution.state < 10"), visible(execution, principal))
        .group_by(execution.c.state)
    )
    if task_id is not None:
        query = query.where(execution.c.task_id == task_id)
    return {row[0]: row[1] for row in connection.execute(query)}
