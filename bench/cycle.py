"""The database's part of an execution's life, batch by batch: record, claim, finish, by the program's own statements.

Used to price the store by itself, without HTTP, timers or an event loop's queue in between.
"""

from bench.load import FIRST_SCHEDULE
from distributedjob.dispatch.local import LocalDispatch
from distributedjob.model.execution import State
from distributedjob.model.identity import IdSequence
from distributedjob.model.instant import SECOND, Instant
from distributedjob.services.desk import Desk, Transaction
from distributedjob.services.recording import record_due
from distributedjob.store.hot.rows import OutputRow, ResultRow
from distributedjob.store.port import Store
from distributedjob.store.revisions import Revisions

SESSION = 4_242
QUEUE = "default"
HEADERS = '[["content-length","2"]]'


class Cycle:
    """Executions of one batch of schedules that fire every second: `record`, `claim`, `finish`, in turn.

    Each is one transaction, and fails unless it touched every execution of the batch. `node` gives the bits of the
    ids: two cycles on one database need two.
    """

    def __init__(self, store: Store, *, schedules: range, first_at: Instant, node: int) -> None:
        self._schedules = [FIRST_SCHEDULE + number for number in schedules]
        self._now = first_at - SECOND
        self._hints: list[tuple[int, int]] = []
        ids = IdSequence(node)
        self._desk = Desk(
            store, Revisions(), LocalDispatch(), lambda: self._now, lambda: ids.next(self._now), cluster_key=b""
        )

    async def record(self) -> None:
        self._now += SECOND
        recorded = await self._desk.write(lambda tx: record_due(tx, self._schedules))
        self._hints = [(hint.id, hint.fence) for hint in recorded.hints]
        self._require_all(len(self._hints), "recorded")

    async def claim(self) -> None:
        claimed = await self._desk.write(
            lambda tx: tx.hot.claim(tx.connection, self._hints, queue=QUEUE, session=SESSION, now=self._now)
        )
        self._require_all(len(claimed), "claimed")

    async def finish(self) -> None:
        self._require_all(await self._desk.write(self._write_results), "finished")

    def _write_results(self, tx: Transaction) -> int:
        at = self._now
        results = [
            ResultRow(id_, SESSION, fence + 1, State.SUCCEEDED, "ok", None, 0, 200, at, at, 0, 1)
            for id_, fence in self._hints
        ]
        outputs = [OutputRow(id_, 1, 0, 200, HEADERS, 0, "ok", 0) for id_, _ in self._hints]
        written = tx.hot.finish(tx.connection, results)
        tx.hot.insert_outputs(tx.connection, outputs)
        return len(written)

    def _require_all(self, found: int, verb: str) -> None:
        if found != len(self._schedules):
            raise RuntimeError(f"{found} of {len(self._schedules)} executions were {verb}")
