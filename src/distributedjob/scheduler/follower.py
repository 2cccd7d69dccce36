"""Schedules that count from the end of their last execution: the end sets the cursor.

Whoever hears of an end looks at once, and the leader every second; the row's lock decides.
"""

from functools import partial

from distributedjob.dispatch.port import CursorMoved
from distributedjob.model.errors import Unavailable
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
        if not ready:
            return False
        try:
            await self._desk.write(partial(follow, schedule_ids=ready))
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - one broken schedule must not stop the others
            await self._follow_singly(ready)
        return len(ready) == BATCH

    async def _follow_singly(self, ready: list[int]) -> None:
        failed = None
        for schedule_id in ready:
            try:
                await self._desk.write(partial(follow, schedule_ids=[schedule_id]))
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - told when the others are done
                failed = error
        if failed is not None:
            raise failed


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
