"""What the database says this session runs, against what it runs: claims whose answer was lost are given back.

A row is acted on when two looks, five seconds apart, find it unknown: a claim in flight is known by then.
"""

from collections.abc import Callable

from distributedjob.model.execution import Reason, State
from distributedjob.model.instant import Instant
from distributedjob.services.desk import Desk
from distributedjob.services.finishing import write_results
from distributedjob.services.results import Result
from distributedjob.store.hot.rows import ResultRow
from distributedjob.store.runs import HeldRow, list_held


class Reconciler:
    name = "reconciler"

    def __init__(
        self, *, desk: Desk, session: int, known: Callable[[int, int], bool], now: Callable[[], Instant]
    ) -> None:
        self._desk = desk
        self._session = session
        self._known = known
        self._now = now
        self._suspects: set[tuple[int, int]] = set()

    async def run_once(self) -> bool:
        held = await self._desk.store.read(lambda connection: list_held(connection, self._session))
        unknown = [row for row in held if not self._known(row.id, row.fence)]
        lost = [row for row in unknown if (row.id, row.fence) in self._suspects]
        self._suspects = {(row.id, row.fence) for row in unknown}
        if lost:
            results = [self._released(row) for row in lost]
            await self._desk.write(lambda tx: write_results(tx, results))
        return False

    def _released(self, row: HeldRow) -> Result:
        now = self._now()
        result = ResultRow(
            id=row.id,
            holder=self._session,
            fence=row.fence,
            state=State.PENDING,
            reason=Reason.RELEASED,
            not_before=now,
            given_back=1,
            status=None,
            sent_at=None,
            ended_at=now,
            flags=0,
            attempt=row.attempt,
        )
        return Result(
            row=result,
            task_id=row.task_id,
            department_id=row.department_id,
            queue=row.queue,
            outcome="not_sent",
            reason="released",
            message="claimed, but the claim's answer was lost; given back uncalled",
            claimed_at=row.claimed_at,
            from_end=False,
            output=None,
        )
