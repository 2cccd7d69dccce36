"""Rescues the executions of dead sessions, every second."""

from collections.abc import Callable

from distributedjob.services.desk import Desk
from distributedjob.services.rescue import rescue
from distributedjob.store.runs import list_lost
from distributedjob.telemetry.events import Events

BATCH = 200


class Rescuer:
    name = "rescuer"

    def __init__(self, *, desk: Desk, events: Events, on_rescued: Callable[[int], None]) -> None:
        self._desk = desk
        self._events = events
        self._on_rescued = on_rescued

    async def run_once(self) -> bool:
        lost = await self._desk.store.read(lambda connection: list_lost(connection, limit=BATCH))
        if not lost:
            return False
        rescued = await self._desk.write(lambda tx: rescue(tx, lost))
        self._events.rescued(executions=rescued)
        self._on_rescued(rescued)
        return len(lost) == BATCH
