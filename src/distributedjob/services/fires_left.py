"""Fires that were counted and came to nothing, given back to the maximum of their schedules.

A schedule's row is locked here after its task's gate, against the order everywhere else: only the gate knows whom it
skips. Two transactions that meet so are told apart by the server, and the one that lost is run again.
"""

from collections.abc import Mapping

from distributedjob.dispatch.port import CursorMoved
from distributedjob.model.instant import Instant
from distributedjob.services.desk import Transaction
from distributedjob.services.fire_rows import counts_from_end
from distributedjob.store import schedules
from distributedjob.store.codec import decode_schedule
from distributedjob.store.hot.rows import ScheduleRow
from distributedjob.timing.timetable import next_fire, next_fire_after_end


def give_back_fires(tx: Transaction, fires: Mapping[int, int]) -> None:
    """Give schedules (id → number) fires back. One that was used up goes on with its first fire after now."""
    if not fires:
        return
    for row in tx.hot.lock_schedules(tx.connection, list(fires)):
        if row.fires_left is None:
            continue
        next_fire_at = _next_fire(tx, row) if row.fires_left == 0 else row.next_fire_at
        schedules.set_fires_left(
            tx.connection, row.id, fires_left=row.fires_left + fires[row.id], next_fire_at=next_fire_at
        )
        if next_fire_at != row.next_fire_at and next_fire_at is not None:
            tx.news.append(CursorMoved(row.id, next_fire_at))


def _next_fire(tx: Transaction, row: ScheduleRow) -> Instant | None:
    """None while it is paused: whoever resumes it sets the cursor."""
    schedule = decode_schedule(row.definition)
    definition = tx.revisions.load(tx.connection, [(row.task_id, row.revision)]).get((row.task_id, row.revision))
    if definition is None or not (definition.enabled and schedule.enabled):
        return None
    return next_fire_after_end(schedule, tx.now) if counts_from_end(schedule) else next_fire(schedule, tx.now)
