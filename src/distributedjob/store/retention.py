"""Deleting old history without scanning it: ranges of ids, terminal rows only, small batches."""

from dataclasses import dataclass

from sqlalchemy import Connection, and_, delete, or_, select

from distributedjob.model.execution import FIRST_TERMINAL, State
from distributedjob.model.instant import Instant
from distributedjob.store.tables import attempt, execution, execution_parameters, failure, output, request_key

FAILED = (State.FAILED, State.TIMED_OUT, State.UNKNOWN, State.EXPIRED)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Ids below these are past their retention."""

    executions: int
    failures: int
    bodies: int


def purge(connection: Connection, bounds: Bounds, *, now: Instant, limit: int) -> int:
    """Delete up to `limit` executions and as many bodies; returns the larger count."""
    connection.execute(delete(request_key).where(request_key.c.expires_at < now))
    return max(_purge_executions(connection, bounds, limit), _purge_bodies(connection, bounds, limit))


def _purge_executions(connection: Connection, bounds: Bounds, limit: int) -> int:
    old = and_(
        execution.c.id < max(bounds.executions, bounds.failures),
        execution.c.state >= FIRST_TERMINAL,
        or_(
            and_(execution.c.id < bounds.executions, execution.c.state.not_in(FAILED)),
            and_(execution.c.id < bounds.failures, execution.c.state.in_(FAILED)),
        ),
    )
    ids = list(connection.execute(select(execution.c.id).where(old).order_by(execution.c.id).limit(limit)).scalars())
    if ids:
        for column in (attempt.c.execution_id, output.c.execution_id, failure.c.execution_id):
            connection.execute(delete(column.table).where(column.in_(ids)))
        connection.execute(delete(execution_parameters).where(execution_parameters.c.execution_id.in_(ids)))
        connection.execute(delete(execution).where(execution.c.id.in_(ids)))
    return len(ids)


def _purge_bodies(connection: Connection, bounds: Bounds, limit: int) -> int:
    query = select(output.c.execution_id).where(output.c.execution_id < bounds.bodies).limit(limit)
    ids = set(connection.execute(query).scalars())
    if ids:
        connection.execute(delete(output).where(output.c.execution_id.in_(ids)))
    return len(ids)
