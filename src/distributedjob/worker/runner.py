"""Running what was claimed: a fixed pool of coroutines, one call each.

Order, for every attempt: compile, mark (at most once only), last look, first byte, answer, verdict. The last look
is in memory and immediately before the first byte, so a node that was frozen or declared dead does not call.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from enum import Enum

from distributedjob.cluster.port import Membership
from distributedjob.model.execution import Claimed, Flag, Reason, State
from distributedjob.model.identity import idempotency_key
from distributedjob.model.instant import SECOND, Instant
from distributedjob.model.outcome import NotSent, Outcome, Unclear
from distributedjob.rules.verdict import Run, Verdict, after_attempt, released
from distributedjob.runtime import crash
from distributedjob.services.desk import StopBoard
from distributedjob.services.results import Ending
from distributedjob.targets.http import HttpCaller, Line
from distributedjob.targets.request import Request
from distributedjob.targets.signature import signature_of
from distributedjob.targets.templates import RunVariables
from distributedjob.worker.ahead import Ahead
from distributedjob.worker.compiled import CompiledTask
from distributedjob.worker.marker import Marker

Claim = tuple[int, int]
"""(execution id, fence)."""

RELEASED = NotSent("released", "given back before it was called")

STOPPED_PAUSE = 5 * SECOND
"""What is claimed and then found stopped is claimable again after this; nothing else is tried meanwhile."""


class Stop(Enum):
    """Why a run is closed from outside."""

    CANCEL = "cancel"
    DRAIN = "drain"


@dataclass(slots=True)
class Running:
    """One execution in this process, from its claim until its result is in the database."""

    claimed: Claimed
    task: CompiledTask | None
    queue: str
    parameters: Mapping[str, object]
    fault: str = ""
    """Why there is no task."""
    sent_at: Instant | None = None
    stop: Stop | None = None
    ended: bool = False
    worker: "asyncio.Task[None] | None" = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RunnerParts:
    """What a runner works with. `now` reads the installation's time, `chance` gives 0 ≤ x < 1; `on_fault` gets what
    no outcome foresees, with the execution's id."""

    caller: HttpCaller
    marker: Marker
    ahead: Ahead
    membership: Membership
    board: StopBoard
    now: Callable[[], Instant]
    cluster_key: bytes
    on_end: Callable[[Ending], None]
    on_fault: Callable[[Exception, int], None]
    chance: Callable[[], float] = random.random


class Runner:
    """`slots` coroutines that read one queue."""

    def __init__(self, parts: RunnerParts, *, slots: int) -> None:
        self._parts = parts
        self._slots = slots
        self._queue: asyncio.Queue[tuple[float, Running]] = asyncio.Queue()
        """What waits for a coroutine, and since when, in seconds of the monotonic clock."""
        self.running: dict[Claim, Running] = {}
        """The finisher's news removes them."""
        self._disowned: set[Claim] = set()

    def start(self, runs: Sequence[Running]) -> int:
        """Take runs that this session has claimed; returns how many. One claim is run once, whatever says it twice."""
        started, now = 0, time.monotonic()
        for run in runs:
            claim = (run.claimed.id, run.claimed.fence)
            if claim not in self.running and claim not in self._disowned:
                self.running[claim] = run
                self._queue.put_nowait((now, run))
                started += 1
        return started

    def disown(self, claims: Iterable[Claim]) -> None:
        """Never start these: they are given back, though the answer to their claim may still be on its way."""
        self._disowned.update(claims)

    def stop(self, run: Running, why: Stop) -> None:
        """Close a run: an open call is cut, one that has not begun will not begin."""
        if run.stop is None and not run.ended:
            run.stop = why
            if run.worker is not None:
                run.worker.cancel()

    def release(self, *, waiting: float) -> int:
        """Give back what has waited for `waiting` seconds and has not begun; returns how many."""
        before = time.monotonic() - waiting
        queue = [self._queue.get_nowait() for _ in range(self._queue.qsize())]
        for since, run in queue:
            if since > before:
                self._queue.put_nowait((since, run))
            else:
                self._end(run, RELEASED)
        return len(queue) - self._queue.qsize()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self._slots):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            _, run = await self._queue.get()
            began = time.monotonic()
            outcome = await self._outcome(run)
            self._parts.ahead.note(time.monotonic() - began)
            self._end(run, outcome)

    async def _outcome(self, run: Running) -> Outcome:
        if run.stop is not None:
            return RELEASED
        run.worker = asyncio.current_task()
        try:
            return await self._attempt(run)
        except asyncio.CancelledError:
            if run.stop is None or run.worker is None or run.worker.uncancel() > 0:
                raise
            return Unclear("closed", "the call was closed before its answer came") if run.sent_at else RELEASED
        except Exception as error:  # noqa: BLE001 - one broken call must not end the others, nor this process
            self._parts.on_fault(error, run.claimed.id)
            words = f"the program failed in this call: {error!r}"
            return Unclear("internal", words) if run.sent_at else NotSent("internal", words)
        finally:
            run.worker = None

    async def _attempt(self, run: Running) -> Outcome:
        claimed, task = run.claimed, run.task
        if task is None:
            return NotSent("render_failed", run.fault)
        if self._is_stopped(run):
            return RELEASED
        seconds = task.seconds_left(started_at=claimed.started_at, now=self._parts.now())
        if seconds <= 0:
            return NotSent("execution_timeout", "the time for all attempts was over before this one began")
        request = self._request(run, task)
        if isinstance(request, NotSent):
            return request
        if task.at_most_once and not await self._parts.marker.mark(claimed):
            return RELEASED
        outcome = await self._parts.caller.call(
            request,
            connect_timeout=task.connect_seconds,
            total_timeout=seconds,
            last_look=lambda: self._last_look(run),
            line=Line.FRESH if task.at_most_once else Line.ANY,
        )
        crash.reached("after_receive")
        return outcome

    def _request(self, run: Running, task: CompiledTask) -> Request | NotSent:
        claimed = run.claimed
        key = idempotency_key(self._parts.cluster_key, claimed.source_id, claimed.fire_at)
        if claimed.attempt > task.policies.retry.max_attempts and task.fallback is not None:
            key += "-fallback"
        variables = RunVariables(
            task_id=claimed.task_id,
            task_name=task.name,
            execution_id=claimed.id,
            attempt=claimed.attempt,
            fire_at=claimed.fire_at,
            zone=task.zones.get(claimed.source_id, UTC),
            idempotency_key=key,
            params=run.parameters,
        )
        return task.target(claimed.attempt).request(variables, headers=signature_of(variables))

    def _last_look(self, run: Running) -> bool:
        now = self._parts.now()
        if run.stop is not None or not self._parts.membership.fresh or now >= run.claimed.deadline_at:
            return False
        if self._is_stopped(run):
            return False
        crash.reached("before_send")
        run.sent_at = now
        return True

    def _is_stopped(self, run: Running) -> bool:
        """Whether a stop switch forbids this call. A target is known only here, fallbacks included."""
        stops, claimed = self._parts.board.present, run.claimed
        if not stops or run.task is None:
            return False
        origin = run.task.target(claimed.attempt).plan.origin.name
        now = self._parts.now()
        return bool(stops.find(department_id=claimed.department_id, queue=run.queue, origin=origin, now=now))

    def _end(self, run: Running, outcome: Outcome) -> None:
        run.ended = True
        now = self._parts.now()
        verdict = self._verdict(run, outcome, now)
        self._parts.on_end(Ending(run.claimed, run.queue, outcome, verdict, run.sent_at, now))

    def _verdict(self, run: Running, outcome: Outcome, now: Instant) -> Verdict:
        claimed, task = run.claimed, run.task
        if run.stop is Stop.CANCEL:
            return Verdict(State.CANCELLED, Reason.ASKED)
        if isinstance(outcome, NotSent):
            if outcome.reason == "released":
                return released(not_before=now + STOPPED_PAUSE if self._is_stopped(run) else now)
            if outcome.reason == "execution_timeout":
                return Verdict(State.TIMED_OUT, Reason.EXECUTION_TIMEOUT)
            if outcome.reason == "render_failed":
                return Verdict(State.FAILED, Reason.INVALID_TARGET)
        assert task is not None, "without a task nothing else can come of a run"
        facts = Run(task.policies, task.fallback is not None, claimed.attempt, claimed.started_at, Flag(claimed.flags))
        return after_attempt(facts, outcome, now=now, chance=self._parts.chance())
