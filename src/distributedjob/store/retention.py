"""Deleting old history in small batches by ranges of ids, terminal rows only.

What is kept longer, failures as a rule, stays behind as the rest goes; a place in the history is remembered, so
that no pass reads those rows again.
"""

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, select

from distributedjob.model.execution import FIRST_TERMINAL, State
from distributedjob.model.instant import Instant
from distributedjob.store.executions import delete_executions
from distributedjob.store.tables import backfill, execution, output, request_key, task, task_revision

FAILED = (State.FAILED, State.TIMED_OUT, State.UNKNOWN, State.EXPIRED)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Ids below these are past their retention."""

    executions: int
    failures: int
    bodies: int


class Purged(NamedTuple):
    """`deleted` is the larger of executions and bodies. Nothing up to the id `place` is left to delete by now."""

    deleted: int
    place: int


def purge(connection: Connection, bounds: Bounds, *, place: int, now: Instant, limit: int) -> Purged:
    """Delete up to `limit` executions, those behind `place` where some are kept longer, and the bodies of as many."""
    connection.execute(delete(request_key).where(request_key.c.expires_at < now))
    ids, place = _find_old(connection, bounds, place, limit)
    if ids:
        delete_executions(connection, ids)
    return Purged(max(len(ids), _purge_bodies(connection, bounds, limit)), place)


def _find_old(connection: Connection, bounds: Bounds, place: int, limit: int) -> tuple[list[int], int]:
    low, high = sorted((bounds.executions, bounds.failures))
    if ids := _find(connection, execution.c.id < low, limit=limit):
        return ids, place
    failed = execution.c.state.in_(FAILED)
    goes = ~failed if bounds.failures < bounds.executions else failed
    ids = _find(connection, execution.c.id > max(place, low - 1), execution.c.id < high, goes, limit=limit)
    return ids, ids[-1] if ids else max(place, high - 1)


def _find(connection: Connection, *which: ColumnElement[bool], limit: int) -> list[int]:
    query = select(execution.c.id).where(execution.c.state >= FIRST_TERMINAL, *which)
    return list(connection.execute(query.order_by(execution.c.id).limit(limit)).scalars())


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


def delete_orphaned_revisions(connection: Connection, *, after: int, limit: int) -> int:
    """Of the next `limit` tasks beyond the id `after`, forget what those said that were deleted and of which neither
    an execution nor an open range is left. Returns where to go on; 0: from the start."""
    page = select(task_revision.c.task_id).distinct().where(task_revision.c.task_id > after)
    ids = list(connection.execute(page.order_by(task_revision.c.task_id).limit(limit)).scalars())
    living = set(connection.execute(select(task.c.id).where(task.c.id.in_(ids))).scalars())
    orphans = [id_ for id_ in ids if id_ not in living and not _is_named(connection, id_)]
    if orphans:
        connection.execute(delete(task_revision).where(task_revision.c.task_id.in_(orphans)))
    return ids[-1] if len(ids) == limit else 0


def _is_named(connection: Connection, task_id: int) -> bool:
    of_executions = select(execution.c.id).where(execution.c.task_id == task_id).limit(1)
    of_ranges = select(backfill.c.id).where(backfill.c.task_id == task_id, backfill.c.next_at.is_not(None)).limit(1)
    return any(connection.execute(query).first() is not None for query in (of_executions, of_ranges))
