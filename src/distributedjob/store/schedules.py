"""Schedule rows as the verbs see them: the definition, the cursor, and what is left of it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from distributedjob.model.execution import FIRST_TERMINAL
from distributedjob.model.identity import Principal
from distributedjob.model.instant import Instant
from distributedjob.model.schedule import Schedule
from distributedjob.model.task import shard_of
from distributedjob.store.codec import decode_schedule, encode_schedule
from distributedjob.store.scope import visible
from distributedjob.store.tables import execution, schedule


class Cursor(NamedTuple):
    """Where a schedule stands. `waiting_id`: the execution whose end sets `next_fire_at` (`from: end` only)."""

    next_fire_at: Instant | None
    fires_left: int | None
    waiting_id: int | None


STOPPED = Cursor(None, None, None)


def lock_cursors(connection: Connection, task_id: int) -> Mapping[int, Cursor]:
    """The cursors of a task's schedules by schedule id, their rows locked in order of id."""
    rows = connection.execute(
        select(schedule.c.id, schedule.c.next_fire_at, schedule.c.fires_left, schedule.c.waiting_id)
        .where(schedule.c.task_id == task_id)
        .order_by(schedule.c.id)
        .with_for_update()
    )
    return {row[0]: Cursor(*row[1:]) for row in rows}


def next_fires(connection: Connection, task_ids: Sequence[int]) -> Mapping[int, Mapping[int, Instant | None]]:
    """task id → schedule id → cursor."""
    found: dict[int, dict[int, Instant | None]] = {task_id: {} for task_id in task_ids}
    wanted = select(schedule.c.task_id, schedule.c.id, schedule.c.next_fire_at)
    for task_id, schedule_id, next_fire_at in connection.execute(wanted.where(schedule.c.task_id.in_(task_ids))):
        found[task_id][schedule_id] = next_fire_at
    return found


def find_schedule(connection: Connection, schedule_id: int, *, principal: Principal) -> Schedule | None:
    wanted = select(schedule.c.definition).where(schedule.c.id == schedule_id, visible(schedule, principal))
    definition = connection.execute(wanted).scalar()
    return None if definition is None else decode_schedule(definition)


def insert_schedule(
    connection: Connection, new: Schedule, *, task_id: int, department_id: int, revision: int, cursor: Cursor
) -> None:
    connection.execute(
        insert(schedule).values(
            id=new.id,
            task_id=task_id,
            department_id=department_id,
            shard=shard_of(task_id),
            seed=new.seed,
            revision=revision,
            definition=encode_schedule(new),
            **cursor._asdict(),
        )
    )


def update_schedule(connection: Connection, changed: Schedule, *, revision: int, cursor: Cursor) -> None:
    connection.execute(
        update(schedule)
        .where(schedule.c.id == changed.id)
        .values(revision=revision, definition=encode_schedule(changed), **cursor._asdict())
    )


def set_fires_left(connection: Connection, schedule_id: int, *, fires_left: int, next_fire_at: Instant | None) -> None:
    """Call with the schedule locked."""
    change = {"fires_left": fires_left, "next_fire_at": next_fire_at}
    connection.execute(update(schedule).where(schedule.c.id == schedule_id).values(change))


def delete_schedules(connection: Connection, ids: Sequence[int]) -> None:
    if ids:
        connection.execute(delete(schedule).where(schedule.c.id.in_(ids)))


def find_unfinished(connection: Connection, schedule_id: int, *, task_id: int) -> int | None:
    """The last execution of a schedule, if it has not ended. Call with the schedule locked."""
    row = connection.execute(
        select(execution.c.id, execution.c.state)
        .where(execution.c.task_id == task_id, execution.c.source_id == schedule_id)
        .order_by(execution.c.fire_at.desc())
        .limit(1)
    ).first()
    return None if row is None or row.state >= FIRST_TERMINAL else row.id


def list_schedule_ids(connection: Connection, task_id: int) -> Sequence[int]:
    """The ids of a task's schedules, unlocked."""
    return connection.execute(select(schedule.c.id).where(schedule.c.task_id == task_id)).scalars().all()


def list_cron_ids(connection: Connection, *, after: int, limit: int) -> list[int]:
    """A page of the ids of cron schedules that have a cursor, in order."""
    cron = (schedule.c.id > after, schedule.c.next_fire_at.is_not(None), schedule.c.definition.contains('"time_zone"'))
    return list(connection.execute(select(schedule.c.id).where(*cron).order_by(schedule.c.id).limit(limit)).scalars())
