"""Schedules that wait for an execution to end before they know their next fire."""

from typing import NamedTuple

from sqlalchemy import Connection, or_, select

from distributedjob.model.execution import FIRST_TERMINAL
from distributedjob.model.instant import Instant
from distributedjob.store.tables import execution, schedule


class FollowerRow(NamedTuple):
    definition: str
    fires_left: int | None
    ended_at: Instant | None
    """None when the awaited execution is gone."""


_over = or_(execution.c.id.is_(None), execution.c.state >= FIRST_TERMINAL)


def list_followers(connection: Connection, *, limit: int) -> list[int]:
    """Schedules whose awaited execution has ended, or is gone."""
    query = (
        select(schedule.c.id)
        .outerjoin(execution, execution.c.id == schedule.c.waiting_id)
        .where(schedule.c.waiting_id.is_not(None), _over)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def lock_follower(connection: Connection, schedule_id: int) -> FollowerRow | None:
    """The schedule under its lock, if the execution it waits for is over."""
    locked = select(schedule.c.definition, schedule.c.fires_left, schedule.c.waiting_id).where(
        schedule.c.id == schedule_id, schedule.c.waiting_id.is_not(None)
    )
    row = connection.execute(locked.with_for_update()).one_or_none()
    if row is None:
        return None
    ends = select(execution.c.state, execution.c.ended_at).where(execution.c.id == row.waiting_id)
    end = connection.execute(ends).one_or_none()
    if end is not None and end.state < FIRST_TERMINAL:
        return None
    return FollowerRow(row.definition, row.fires_left, None if end is None else end.ended_at)
