"""Ends what may not start any more, and what was asked to stop and did not."""

from distributedjob.model.execution import Reason, State
from distributedjob.runtime.clock import boot_micros
from distributedjob.services.desk import Desk
from distributedjob.services.ending import end_waiting
from distributedjob.services.rescue import rescue
from distributedjob.store.endings import list_past_deadline
from distributedjob.store.runs import list_cancel_asked, list_running

BATCH = 500


class Expirer:
    """Pending and blocked executions past their deadline become `expired`."""

    name = "expirer"

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk

    async def run_once(self) -> bool:
        now = self._desk.clock()
        late = await self._desk.store.read(lambda c: list_past_deadline(c, now=now, limit=BATCH))
        if late:
            await self._desk.write(lambda tx: end_waiting(tx, late, state=State.EXPIRED, reason=Reason.DEADLINE))
        return len(late) == BATCH


class CancelWatch:
    """Running executions whose holder did not close them within the grace become `cancelled`.

    Watched in memory, on the boot clock: a restart only begins the grace anew.
    """

    name = "cancel_watch"

    def __init__(self, *, desk: Desk, grace_micros: int) -> None:
        self._desk = desk
        self._grace = grace_micros
        self._asked: dict[tuple[int, int], int] = {}

    async def run_once(self) -> bool:
        now = boot_micros()
        rows = await self._desk.store.read(list_cancel_asked)
        self._asked = {(id_, fence): self._asked.get((id_, fence), now) for id_, fence, _ in rows}
        overdue = [id_ for (id_, _), since in self._asked.items() if now - since > self._grace]
        if overdue:
            await self._desk.write(lambda tx: rescue(tx, list_running(tx.connection, overdue)))
        return False
