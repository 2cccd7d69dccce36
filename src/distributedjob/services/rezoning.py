"""New zone rules move the cursors of the schedules they concern, once per release of the zone data."""

from functools import partial

from distributedjob.dispatch.port import CursorMoved
from distributedjob.model.schedule import CronTiming
from distributedjob.runtime.zone_data import zone_data_version
from distributedjob.services.desk import Desk, Transaction
from distributedjob.store import installation
from distributedjob.store.codec import decode_schedule
from distributedjob.store.hot.rows import CursorMove, ScheduleRow
from distributedjob.store.schedules import list_cron_ids
from distributedjob.timing.timetable import next_fire

PAGE = 500


async def follow_zone_data(desk: Desk) -> int:
    """Recompute cursors if the zone data is not the one they were computed with; returns how many moved.

    A crash in between repeats the work: the release is written down last.
    """
    release = zone_data_version()
    known = await desk.write(lambda tx: installation.note_zone_data(tx.connection, release))
    if known == release:
        return 0
    moved = after = 0
    while ids := await desk.store.read(partial(list_cron_ids, after=after, limit=PAGE)):
        moved += await desk.write(partial(recompute, schedule_ids=ids))
        after = ids[-1]
    await desk.write(lambda tx: installation.set_zone_data(tx.connection, release))
    return moved


def recompute(tx: Transaction, *, schedule_ids: list[int]) -> int:
    """Set cursors that lie ahead to what the rules say now; due ones are the recorder's."""
    moves = [
        move for row in tx.hot.lock_schedules(tx.connection, schedule_ids) if (move := _move(row, tx.now)) is not None
    ]
    if moves:
        tx.hot.move_cursors(tx.connection, moves)
        tx.news.extend(CursorMoved(move.id, move.next_fire_at) for move in moves if move.next_fire_at is not None)
    return len(moves)


def _move(row: ScheduleRow, now: int) -> CursorMove | None:
    if row.next_fire_at is None or row.next_fire_at <= now:
        return None
    schedule = decode_schedule(row.definition)
    if not isinstance(schedule.timing, CronTiming) or schedule.timing.time_zone == "UTC":
        return None
    next_fire_at = next_fire(schedule, now)
    return None if next_fire_at == row.next_fire_at else CursorMove(row.id, next_fire_at, row.fires_left, None)
