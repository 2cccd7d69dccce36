"""What the database says this session runs, against what it runs: claims whose answer was lost are given back.

A row is acted on when two looks, five seconds apart, find it unknown. From then on it is disowned: should the answer
to its claim come after all, it is not started, since somebody else may be running it.
"""

from collections.abc import Collection

from distributedjob.model.execution import Reason, State
from distributedjob.services.desk import Desk, Transaction
from distributedjob.services.finishing import write_results
from distributedjob.services.rescue import rescue
from distributedjob.services.results import Result
from distributedjob.store.hot.rows import ResultRow
from distributedjob.store.runs import HeldRow, list_held, list_running
from distributedjob.worker.runner import Claim, Runner


class Reconciler:
    name = "reconciler"

    def __init__(self, *, desk: Desk, session: int, runner: Runner) -> None:
        self._desk = desk
        self._session = session
        self._runner = runner
        self._suspects: set[Claim] = set()
        self._wordless: set[Claim] = set()

    def give_up(self, result: Result) -> None:
        """The database refuses this result: its execution was called, and nobody will say how it went."""
        self._wordless.add(result.key)

    async def run_once(self) -> bool:
        unknown = await self._unknown()
        lost = [row for row in unknown if row.claim in self._suspects]
        self._suspects = {row.claim for row in unknown}
        await self._end(lost)
        return False

    async def run_last(self) -> None:
        """When nothing is claimed any more, what is unknown will stay so: one look is enough."""
        await self._end(await self._unknown())

    async def _unknown(self) -> list[HeldRow]:
        held = await self._desk.store.read(lambda connection: list_held(connection, self._session))
        return [row for row in held if row.claim not in self._runner.running]

    async def _end(self, lost: Collection[HeldRow]) -> None:
        if not lost:
            return
        self._runner.disown(row.claim for row in lost)
        await self._desk.write(lambda tx: self._give_back(tx, lost))
        self._wordless.difference_update(row.claim for row in lost)

    def _give_back(self, tx: Transaction, lost: Collection[HeldRow]) -> None:
        """Release what was never started; what was, and a start mark proves it too, ends as a lost answer."""
        begun = [row.id for row in lost if row.marked or row.claim in self._wordless]
        write_results(tx, [_released(row, tx, self._session) for row in lost if row.id not in begun])
        if begun:
            claims = {row.claim for row in lost}
            running = list_running(tx.connection, begun)
            rescue(tx, [row for row in running if row.holder == self._session and (row.id, row.fence) in claims])


def _released(row: HeldRow, tx: Transaction, session: int) -> Result:
    result = ResultRow(
        id=row.id,
        holder=session,
        fence=row.fence,
        state=State.PENDING,
        reason=Reason.RELEASED,
        not_before=tx.now,
        given_back=1,
        status=None,
        sent_at=None,
        ended_at=tx.now,
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
