"""Schedules that count from the end of their last execution: the end sets the cursor.

Whoever hears of an end looks at once, and the leader every second; the row's lock decides.
"""

from distributedjob.dispatch.port import CursorMoved
from distributedjob.services.desk import Desk, Transaction
from distributedjob.store.codec import decode_schedule
from distributedjob.store.followers import list_followers, lock_follower
from distributedjob.store.hot.rows import CursorMove
from distributedjob.timing.timetable import next_fire_after_end

BATCH = 500


class Follower:
    name = "follower"

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk

    async def run_once(self) -> bool:
        ready = await self._desk.store.read(lambda c: list_followers(c, limit=BATCH))
        if ready:
            await self._desk.write(lambda tx: follow(tx, ready))
        return len(ready) == BATCH


def follow(tx: Transaction, schedule_ids: list[int]) -> None:
    """Set the cursors of schedules whose awaited execution has ended."""
    moves: list[CursorMove] = []
    for schedule_id in sorted(schedule_ids):
        row = lock_follower(tx.connection, schedule_id)
        if row is None:
            continue
        schedule = decode_schedule(row.definition)
        next_fire_at = next_fire_after_end(schedule, row.ended_at if row.ended_at is not None else tx.now)
        moves.append(CursorMove(schedule_id, next_fire_at, row.fires_left, None))
        if next_fire_at is not None:
            tx.news.append(CursorMoved(schedule_id, next_fire_at))
    if moves:
        tx.hot.move_cursors(tx.connection, moves)
