"""Catch-up ranges: fires that were missed and are recorded at a pace."""

from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from distributedjob.model.instant import Instant
from distributedjob.store.tables import backfill


class BackfillRow(NamedTuple):
    id: int
    task_id: int
    schedule_id: int
    department_id: int
    revision: int
    next_at: Instant | None
    last_at: Instant
    fires_left: int


COLUMNS = [backfill.c[name] for name in BackfillRow._fields]


def insert_backfill(connection: Connection, row: BackfillRow, *, created_at: Instant) -> None:
    connection.execute(insert(backfill).values(**row._asdict(), created_at=created_at))


def list_open_backfills(connection: Connection, *, limit: int) -> list[BackfillRow]:
    """Those that are not done, unlocked, the one that is furthest behind first."""
    query = select(*COLUMNS).where(backfill.c.next_at.is_not(None)).order_by(backfill.c.next_at).limit(limit)
    return [BackfillRow(*row) for row in connection.execute(query)]


def lock_backfill(connection: Connection, id_: int) -> BackfillRow | None:
    """The range under its lock; None when it is done or gone."""
    query = select(*COLUMNS).where(backfill.c.id == id_, backfill.c.next_at.is_not(None)).with_for_update()
    row = connection.execute(query).one_or_none()
    return None if row is None else BackfillRow(*row)


def move_backfill(connection: Connection, id_: int, *, next_at: Instant | None, fires_left: int) -> None:
    connection.execute(update(backfill).where(backfill.c.id == id_).values(next_at=next_at, fires_left=fires_left))
