"""A worker's parts put together: slots, runner, intake, finisher, and what keeps them honest."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from distributedjob.cluster.port import Membership
from distributedjob.dispatch.port import CancelAsked
from distributedjob.model.execution import FIRST_TERMINAL, Claimed, State, Trigger
from distributedjob.model.instant import SECOND
from distributedjob.model.task import TaskDefinition
from distributedjob.services.batch import Slots as FreeSlots
from distributedjob.services.desk import Desk
from distributedjob.services.finishing import Written
from distributedjob.services.results import Ending, Result, result_of
from distributedjob.store.runs import list_cancel_asked
from distributedjob.targets.http import HttpCaller
from distributedjob.telemetry.events import Events
from distributedjob.telemetry.metrics import Metrics
from distributedjob.worker.finisher import Finisher
from distributedjob.worker.intake import Intake
from distributedjob.worker.journal import Journal
from distributedjob.worker.marker import Marker
from distributedjob.worker.reconciler import Reconciler
from distributedjob.worker.runner import Runner, RunnerParts, Running, Stop
from distributedjob.worker.slots import Slots

LOGGED = frozenset({State.FAILED, State.TIMED_OUT, State.UNKNOWN})

PATIENCE_SECONDS = 0.5
"""How long an execution may wait here for a slot; others may have one."""

CUT_SECONDS = 5.0
"""A call that is cut ends in milliseconds; one that does not is left to the rescue."""


@dataclass(frozen=True, slots=True)
class WorkerParts:
    desk: Desk
    membership: Membership
    caller: HttpCaller
    journal: Journal
    events: Events
    metrics: Metrics
    queues: tuple[str, ...]
    slots: int
    writers: int


@dataclass(frozen=True, slots=True)
class Drained:
    """How a drain ended: calls that were cut, executions given back uncalled."""

    cut: int
    released: int


class Worker:
    """One node's worker; also the `LocalWorker` to which the recorder hands fires directly."""

    def __init__(self, parts: WorkerParts) -> None:
        desk, session = parts.desk, parts.membership.session
        self._parts = parts
        self._session = session
        self.slots = Slots(parts.slots)
        self.marker = Marker(desk.store, session=session)
        self.finisher = Finisher(
            desk=desk,
            journal=parts.journal,
            events=parts.events,
            on_written=self._written,
            on_refused=self._refused,
            writers=parts.writers,
        )
        self.runner = Runner(
            RunnerParts(
                caller=parts.caller,
                marker=self.marker,
                ahead=self.slots.ahead,
                membership=parts.membership,
                board=desk.board,
                now=desk.clock,
                cluster_key=desk.cluster_key,
                on_end=self._ended,
                on_fault=lambda error, id_: parts.events.call_failed(error, execution_id=id_),
            ),
            slots=parts.slots,
        )
        self.intake = Intake(
            desk=desk,
            runner=self.runner,
            slots=self.slots,
            queues=parts.queues,
            session=session,
            now=desk.clock,
            events=parts.events,
        )
        self.reconciler = Reconciler(desk=desk, session=session, runner=self.runner)
        self._queues = frozenset(parts.queues)

    @property
    def in_air(self) -> int:
        """Executions between claim and result."""
        return self.slots.used

    @property
    def free(self) -> int:
        return self.slots.free

    @property
    def open(self) -> bool:
        return self.slots.open

    def take_slots(self, wanted: int) -> FreeSlots:
        return FreeSlots(self._session, self._queues, self.slots.take(wanted))

    def give_back(self, slots: FreeSlots, *, used: int) -> None:
        self.slots.give_back(slots.free - used)

    def start(self, claims: Sequence[Claimed], *, definitions: dict[tuple[int, int], TaskDefinition]) -> None:
        self.intake.start(claims, definitions=definitions)

    def runs(self, execution_id: int) -> bool:
        return any(id_ == execution_id for id_, _ in self.runner.running)

    async def look_for_cancels(self) -> None:
        """Close the runs of this worker that were asked to stop."""
        for id_, fence, holder in await self._parts.desk.store.read(list_cancel_asked):
            run = self.runner.running.get((id_, fence)) if holder == self._session else None
            if run is not None:
                self.runner.stop(run, Stop.CANCEL)

    async def drain(self, *, seconds: float, hurry: asyncio.Event) -> Drained:
        """Claim nothing more; let calls end, for `seconds` or until `hurry`; cut the rest; write all."""
        self.slots.fit = False
        waiting = self.release_waiting()
        deadline = asyncio.get_running_loop().time() + seconds
        while self.in_air and not hurry.is_set() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        rest = self.cut()
        deadline = asyncio.get_running_loop().time() + CUT_SECONDS
        while self.in_air and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - once per process
            await asyncio.sleep(0.005)
        return Drained(cut=sum(run.sent_at is not None for run in rest), released=waiting)

    def cordon(self) -> None:
        """Take nothing new until `resume`; what runs goes on."""
        self.slots.cordoned = True
        self.intake.forget_hints()

    def resume(self) -> None:
        self.slots.cordoned = False

    def release_waiting(self) -> int:
        """Give back what is claimed and has not started; returns how many."""
        return self.runner.release(waiting=0)

    def release_overdue(self) -> None:
        """Give back what was claimed ahead for slots that did not become free."""
        if self.runner.release(waiting=PATIENCE_SECONDS):
            self.slots.ahead.forget()

    def cut(self) -> list[Running]:
        """Close every call in the air; returns what was not over."""
        found = [run for run in self.runner.running.values() if not run.ended]
        for run in found:
            self.runner.stop(run, Stop.DRAIN)
        return found

    def _ended(self, ending: Ending) -> None:
        claimed = ending.claimed
        if ending.sent_at is not None and claimed.attempt == 1 and claimed.trigger == Trigger.SCHEDULE:
            self._parts.metrics.fire_to_sent.observe((ending.sent_at - claimed.not_before) / SECOND)
        self.finisher.add(result_of(ending, session=self._session))
        self.slots.give_back(1)
        self.intake.wake()

    def _written(self, results: Sequence[Result], written: Written, seconds: float) -> None:
        for result in results:
            self.runner.running.pop(result.key, None)
        metrics = self._parts.metrics
        for result in results:
            state = written.states.get(result.row.id, 0)
            if state >= FIRST_TERMINAL:
                metrics.executions.labels(State(state).word).inc()
            if state in LOGGED:
                self._log_failure(result, State(state))
        if written.late:
            metrics.fenced.inc(len(written.late))
            self._parts.events.late_results(executions=len(written.late))
        metrics.flush_rows.observe(len(results))
        metrics.flush_seconds.observe(seconds)

    def _log_failure(self, result: Result, state: State) -> None:
        self._parts.events.execution_failed(
            execution_id=result.row.id,
            task_id=result.task_id,
            state=state.word,
            reason=result.row.reason or "",
            message=result.message or result.reason,
        )

    def _refused(self, result: Result) -> None:
        self.reconciler.give_up(result)
        self.runner.running.pop(result.key, None)


class CancelLook:
    """Asks the database what is to stop: every second, and at once on news. The news alone close nothing, or whoever
    can write to the channel between the nodes could end any execution."""

    name = "cancel_look"

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def concerns(self, news: CancelAsked) -> bool:
        """Whether it may be about a run of this worker."""
        return self._worker.runs(news.execution_id)

    async def run_once(self) -> bool:
        await self._worker.look_for_cancels()
        return False


class AheadLook:
    """Sees to it that nothing waits long for a slot of this worker."""

    name = "ahead_look"

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def run_once(self) -> bool:
        self._worker.release_overdue()
        return False
