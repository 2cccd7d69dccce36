"""How long due executions have been waiting: the first thing to look at when work is late."""

from collections.abc import Callable

from distributedjob.model.instant import SECOND
from distributedjob.services.desk import Desk
from distributedjob.store.runs import find_oldest_pending


class PendingAge:
    """Shows the age of the oldest pending execution that is due, in seconds."""

    name = "pending_age"

    def __init__(self, *, desk: Desk, show: Callable[[float], None]) -> None:
        self._desk = desk
        self._show = show

    async def run_once(self) -> bool:
        now = self._desk.clock()
        oldest = await self._desk.store.read(find_oldest_pending)
        self._show(0.0 if oldest is None else max(0.0, (now - oldest) / SECOND))
        return False
