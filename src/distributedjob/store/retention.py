"""Deleting old history in small batches by ranges of ids, terminal rows only.

What is kept longer, failures as a rule, stays behind as the rest goes; a place in the history is remembered, so
that no pass reads those rows again.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, select

from distributedjob.model.execution import FIRST_TERMINAL, State
from distributedjob.model.instant import Instant
from distributedjob.store.tables import attempt, backfill, execution, execution_parameters, failure, output, request_key

FAILED = (State.FAILED, State.TIMED_OUT, State.UNKNOWN, State.EXPIRED)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Ids below these are past their retention."""

    executions: int
    failures: int
    bodies: int


class Purge:
    """The purge of one process: what it remembers is only where to go on."""

    def __init__(self) -> None:
        self._after = 0

    def run_once(self, connection: Connection, bounds: Bounds, *, now: Instant, limit: int) -> int:
        """Delete up to `limit` executions and the bodies of as many; returns the larger count."""
        connection.execute(delete(request_key).where(request_key.c.expires_at < now))
        return max(self._purge_executions(connection, bounds, limit), _purge_bodies(connection, bounds, limit))

    def _purge_executions(self, connection: Connection, bounds: Bounds, limit: int) -> int:
        low, high = sorted((bounds.executions, bounds.failures))
        failed = execution.c.state.in_(FAILED)
        ids = _find(connection, execution.c.id < low, limit=limit)
        if not ids:
            goes = ~failed if bounds.failures < bounds.executions else failed
            ids = _find(
                connection, execution.c.id > max(self._after, low - 1), execution.c.id < high, goes, limit=limit
            )
            # All before the last is gone or stays; without one, all up to the bound.
            self._after = ids[-1] if ids else high - 1
        if ids:
            _delete(connection, ids)
        return len(ids)


def _find(connection: Connection, *which: ColumnElement[bool], limit: int) -> list[int]:
    query = select(execution.c.id).where(execution.c.state >= FIRST_TERMINAL, *which)
    return list(connection.execute(query.order_by(execution.c.id).limit(limit)).scalars())


def _delete(connection: Connection, ids: list[int]) -> None:
    for table in (attempt, output, failure, execution_parameters):
        connection.execute(delete(table).where(table.c.execution_id.in_(ids)))
    connection.execute(delete(execution).where(execution.c.id.in_(ids)))


def _purge_bodies(connection: Connection, bounds: Bounds, limit: int) -> int:
    query = select(output.c.execution_id).where(output.c.execution_id < bounds.bodies).limit(limit)
    ids = set(connection.execute(query).scalars())
    if ids:
        connection.execute(delete(output).where(output.c.execution_id.in_(ids)))
    return len(ids)


def delete_done_backfills(connection: Connection, *, created_before: Instant) -> None:
    """Forget catch-up ranges that were recorded long ago."""
    done = (backfill.c.next_at.is_(None), backfill.c.created_at < created_before)
    connection.execute(delete(backfill).where(*done))
