"""Ends what may not start any more, and what was asked to stop and did not."""

from collections.abc import Sequence
from functools import partial

from distributedjob.model.execution import Reason, State
from distributedjob.runtime.clock import boot_micros
from distributedjob.services.desk import Desk, Transaction
from distributedjob.services.ending import end_waiting
from distributedjob.services.rescue import rescue
from distributedjob.store.endings import FIRST, list_waiting
from distributedjob.store.runs import list_cancel_asked, list_running

BATCH = 500

PAGE = 5_000
"""Executions that one pass looks at: all of them as a rule, a part of a great backlog. What is past its deadline cannot
start in the meantime; to end it is a matter of order."""


class Expirer:
    """Pending and blocked executions past their deadline become `expired`."""

    name = "expirer"

    def __init__(self, *, desk: Desk, page: int = PAGE) -> None:
        self._desk = desk
        self._page = page
        self._place = FIRST

    async def run_once(self) -> bool:
        """Where there are some, go on at once: others stand beside them."""
        now = self._desk.clock()
        waiting = await self._desk.store.read(lambda c: list_waiting(c, after=self._place, limit=self._page))
        late = [row.id for row in waiting if row.deadline_at <= now]
        for start in range(0, len(late), BATCH):
            await self._desk.write(partial(_expire, ids=late[start : start + BATCH]))
        is_last = len(waiting) < self._page
        self._place = FIRST if is_last else waiting[-1]
        return bool(late) and not is_last


def _expire(tx: Transaction, *, ids: Sequence[int]) -> None:
    end_waiting(tx, ids, state=State.EXPIRED, reason=Reason.DEADLINE)


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
