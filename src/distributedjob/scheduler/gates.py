"""Visits gates that hold waiting executions: on news of room, and in rounds, so that no wake-up is lost.

A gate without room is only read: its row is locked when somebody may pass.
"""

from collections.abc import Sequence

from distributedjob.dispatch.port import RoomMade
from distributedjob.services.desk import Desk
from distributedjob.services.gatekeeper import find_open_gates, open_gates
from distributedjob.store.gates import delete_stale_entries, list_waiting_tasks

BATCH = 200


class GateRounds:
    """Every second looks at all gates where somebody waits, a page per pass."""

    name = "gate_rounds"

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk
        self._after = 0

    async def run_once(self) -> bool:
        after = self._after
        waiting = await self._desk.store.read(lambda c: list_waiting_tasks(c, after=after, limit=BATCH))
        await visit(self._desk, waiting)
        more = len(waiting) == BATCH
        self._after = waiting[-1] if more else 0
        return more


class GateCalls:
    """Looks at the gates that news named, as soon as there is news."""

    name = "gate_calls"

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk
        self._named: set[int] = set()

    def note(self, news: RoomMade) -> None:
        self._named |= news.task_ids

    async def run_once(self) -> bool:
        named = sorted(self._named)[:BATCH]
        self._named.difference_update(named)
        await visit(self._desk, named)
        return bool(self._named)


class GateSweeper:
    """Drops gate entries of ended executions, which would close a gate for ever."""

    name = "gate_sweeper"

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk

    async def run_once(self) -> bool:
        return await self._desk.write(lambda tx: delete_stale_entries(tx.connection, limit=BATCH)) == BATCH


async def visit(desk: Desk, task_ids: Sequence[int]) -> None:
    """Let in who waits at these tasks' gates and has room."""
    if task_ids and (ready := await desk.read(lambda tx: find_open_gates(tx, task_ids))):
        await desk.write(lambda tx: open_gates(tx, ready))
