"""Where a schedule stands after a save: its cursor kept if its fires did not change, else set to what comes next.

A pause empties the cursor and a resume sets it to the first fire after now, so a pause leaves no due fires behind.
"""

from dataclasses import dataclass

from distributedjob.dispatch.port import CursorMoved
from distributedjob.model.instant import Instant
from distributedjob.model.schedule import IntervalFrom, IntervalTiming, OnceTiming, Schedule
from distributedjob.services.desk import Transaction
from distributedjob.services.validation import fires_differently
from distributedjob.store import schedules
from distributedjob.store.schedules import Cursor
from distributedjob.timing.timetable import next_fire


@dataclass(frozen=True, slots=True)
class Standing:
    """A schedule before a save: what it said, where it stood, and whether it and its task were enabled."""

    schedule: Schedule
    cursor: Cursor
    live: bool


def cursor_after(tx: Transaction, schedule: Schedule, *, task_id: int, before: Standing | None, paused: bool) -> Cursor:
    """The cursor of `schedule` from now on. Call with its row locked and what was due recorded."""
    left = _fires_left(schedule, before)
    if paused or left == 0:
        return Cursor(None, left, None)
    changed = fires_differently(schedule, None if before is None else before.schedule)
    if before is not None and before.live and not changed and before.cursor.fires_left != 0:
        return before.cursor._replace(fires_left=left)
    if before is not None and _counts_from_end(schedule):
        unfinished = schedules.find_unfinished(tx.connection, schedule.id, task_id=task_id)
        if unfinished is not None:
            return Cursor(None, left, unfinished)
    return Cursor(_first_fire(schedule, before, tx.now), left, None)


def announce_cursor(tx: Transaction, schedule: Schedule, cursor: Cursor) -> None:
    if cursor.next_fire_at is not None:
        tx.news.append(CursorMoved(schedule.id, cursor.next_fire_at))


def _first_fire(schedule: Schedule, before: Standing | None, now: Instant) -> Instant | None:
    """The first fire after now. An instant that is past fires only if it is new: a resume does not repeat it."""
    timing = schedule.timing
    if isinstance(timing, OnceTiming) and timing.at <= now:
        return timing.at if before is None or before.schedule.timing != timing else None
    return next_fire(schedule, now)


def _fires_left(schedule: Schedule, before: Standing | None) -> int | None:
    """What is left of `max_fires` when those that were used up so far are counted."""
    if schedule.max_fires is None:
        return None
    if before is None or before.schedule.max_fires is None or before.cursor.fires_left is None:
        return schedule.max_fires
    used = before.schedule.max_fires - before.cursor.fires_left
    return max(0, schedule.max_fires - used)


def _counts_from_end(schedule: Schedule) -> bool:
    timing = schedule.timing
    return isinstance(timing, IntervalTiming) and timing.interval_from is IntervalFrom.END
