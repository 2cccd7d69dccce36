"""What this node claims: hinted executions at their time, and by pull what no hint brought."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from distributedjob.model.errors import Unavailable
from distributedjob.model.execution import Claimed, Flag, Hint
from distributedjob.model.instant import SECOND, Instant
from distributedjob.model.task import TaskDefinition
from distributedjob.runtime import crash
from distributedjob.runtime.batch_size import BatchSize
from distributedjob.services.desk import Desk, Transaction
from distributedjob.store.parameters import find_parameters
from distributedjob.telemetry.events import Events
from distributedjob.worker.compiled import CompiledTasks
from distributedjob.worker.hints import Hints
from distributedjob.worker.runner import Runner, Running
from distributedjob.worker.slots import Slots

BATCH = 200
HINT_LIMIT = 200_000
"""Hints beyond this many are dropped; the pull finds their rows."""

SMALL_BATCH = 32
SMALL_PART = 4
LONGEST_GATHER = 0.015
"""A claim is small below this many rows, and below this part of the slots. Seconds."""

LONGEST_SLEEP = 1.0
PAUSE = 0.1

REST = 2 * SECOND
"""How long a pull rests that found nothing but what a stopped department has waiting: it walks past all of that."""


class Intake:
    """Claims for one node. Room is taken before a claim, so nothing is claimed that cannot start at once or shortly."""

    def __init__(
        self,
        *,
        desk: Desk,
        runner: Runner,
        slots: Slots,
        queues: Sequence[str],
        session: int,
        now: Callable[[], Instant],
        events: Events,
    ) -> None:
        self._desk = desk
        self._runner = runner
        self._slots = slots
        self._queues = tuple(queues)
        self._session = session
        self._now = now
        self._events = events
        self._size = BatchSize(BATCH)
        self._compiled = CompiledTasks()
        self._hints = Hints()
        self._on_room: list[Callable[[], None]] = []
        self._wake = asyncio.Event()
        self._enough = min(SMALL_BATCH, slots.total // SMALL_PART)
        self._gathered = asyncio.Event()
        self._closing = False
        self._rests_until: Instant = 0
        self._took = 0.0
        self._behind = False

    @property
    def waiting(self) -> int:
        """Hints that wait for a slot."""
        return self._hints.waiting

    @property
    def appetite(self) -> int:
        """How many hints more this worker wants: enough to fill its slots, and as many in wait."""
        slots = self._slots
        return slots.free + slots.total - self._hints.waiting if slots.open else 0

    def on_room(self, listener: Callable[[], None]) -> None:
        """Tell `listener`, on the event loop, whenever the appetite may have grown."""
        self._on_room.append(listener)

    def hint(self, hint: Hint) -> bool:
        """Whether the hint is taken; at its time the execution is claimed if a slot is free."""
        if hint.queue not in self._queues or len(self._hints) >= HINT_LIMIT or self._slots.cordoned:
            return False
        self._hints.put((hint.not_before, hint.id, hint.fence, hint.queue), now=self._now())
        self._wake.set()
        return True

    def offer(self, hint: Hint) -> bool:
        """As `hint`, where others could take it too: taken only if a slot is free for it."""
        return self._slots.free > self._hints.waiting and self.hint(hint)

    def receive(self, queue: str, hints: Iterable[tuple[int, int, Instant]]) -> None:
        """Take hints (id, fence, not_before) that were sent to this worker: nobody else will get them."""
        if len(self._hints) < HINT_LIMIT and not self._slots.cordoned:
            now = self._now()
            for id_, fence, not_before in hints:
                self._hints.put((not_before, id_, fence, queue), now=now)
            self._wake.set()

    def forget_hints(self) -> list[Hint]:
        """What they name is others' to claim from now on; returns those that could start."""
        return [Hint(id_, fence, not_before, queue) for not_before, id_, fence, queue in self._hints.clear()]

    def wake(self) -> None:
        """A slot became free."""
        if self._hints:
            self._wake.set()
        if self._slots.room >= self._enough:
            self._gathered.set()
        for listener in self._on_room:
            listener()

    def start(self, claims: Sequence[Claimed], *, definitions: dict[tuple[int, int], TaskDefinition]) -> None:
        """Start executions that were recorded as claimed by this session; their slots are taken already."""
        started = self._runner.start([self._running(claimed, definitions, {}) for claimed in claims])
        self._slots.give_back(len(claims) - started)

    def close(self) -> None:
        """Let `run` return when the claim under way has been taken over."""
        self._closing = True
        self._wake.set()

    async def run(self) -> None:
        """Claim hinted executions until closed."""
        while not self._closing:
            ready = self._ready()
            if not ready:
                await self._sleep()
                continue
            await self._claim_hinted(ready)
            if self._hints.waiting:
                await self._gather(sum(map(len, ready.values())))

    async def _gather(self, claimed: int) -> None:
        """After a small claim that left work behind, let some slots come together: most of a transaction's cost is
        the transaction's, not its rows'. What finds free slots is never kept waiting, and calls that end together
        go on together."""
        if claimed >= self._enough or self._slots.room >= self._enough:
            return
        self._gathered.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_GATHER):
                await self._gathered.wait()

    def _ready(self) -> Mapping[str, Sequence[tuple[int, int]]]:
        room = self._slots.take_room(min(self._size.now, len(self._hints)))
        ready = self._hints.take(room, now=self._now())
        self._slots.give_back(room - sum(map(len, ready.values())))
        return ready

    async def _sleep(self) -> None:
        self._wake.clear()
        pause = LONGEST_SLEEP
        next_at = self._hints.next_at
        if next_at is not None and self._slots.room > 0:
            pause = min(pause, max(0.0, (next_at - self._now()) / SECOND))
        try:
            async with asyncio.timeout(pause):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _claim_hinted(self, ready: Mapping[str, Sequence[tuple[int, int]]]) -> None:
        left = sum(map(len, ready.values()))
        try:
            for queue, hints in ready.items():
                left -= len(hints)
                if self._is_stopped(queue):
                    self._slots.give_back(len(hints))  # the pull finds them when the switch is lifted
                else:
                    await self._claim(partial(self._by_hints, hints, queue), taken=len(hints), queue=queue)
        finally:
            self._slots.give_back(left)

    def _by_hints(self, hints: Sequence[tuple[int, int]], queue: str, tx: Transaction) -> list[Claimed]:
        return tx.hot.claim(
            tx.connection,
            hints,
            queue=queue,
            session=self._session,
            now=tx.now,
            except_departments=_stopped_departments(tx),
        )

    def _is_stopped(self, queue: str) -> bool:
        stops = self._desk.board.present
        return bool(stops) and stops.holds_queue(queue, now=self._now()) is not None

    async def pull(self) -> tuple[int, bool]:
        """Claim whatever is due; how many, and whether there may be more."""
        pulled = await self._pull_queues(0, share=1)
        if self._behind:
            await self._gather(pulled)
        return pulled, self._behind

    async def heal(self, age: int) -> tuple[int, bool]:
        """Claim what has been due for `age` microseconds, though hints should have brought it; how many, and whether
        to come back for more at once. Hints need slots too: it takes half the room at most, and comes back only
        if no hint waits."""
        healed = await self._pull_queues(age, share=2)
        more = self._behind and not self._hints.waiting
        if more:
            await self._gather(healed)
        return healed, more

    async def _pull_queues(self, age: int, *, share: int) -> int:
        """One look at each queue. `_behind` tells whether there may be more than slots were free."""
        pulled, behind = 0, False
        if self._now() < self._rests_until or not self._slots.open:
            self._behind = False
            return 0
        for queue in self._queues:
            if self._is_stopped(queue):
                continue
            taken = self._slots.take_room(min(self._size.now, -(-self._slots.room // share)))
            found = await self._pull(queue, taken, age) if taken else 0
            behind |= found == taken if taken else self._behind
            pulled += found
        self._behind = behind
        if not pulled and not behind and self._desk.board.present.departments(self._now()):
            self._rests_until = self._now() + REST
        return pulled

    async def _pull(self, queue: str, limit: int, age_floor: int) -> int:
        return await self._claim(partial(self._by_age, queue, limit, age_floor), taken=limit, queue=queue)

    def _by_age(self, queue: str, limit: int, age_floor: int, tx: Transaction) -> list[Claimed]:
        return tx.hot.pull(
            tx.connection,
            queue=queue,
            session=self._session,
            due_before=tx.now - age_floor,
            now=tx.now,
            limit=limit,
            except_departments=_stopped_departments(tx),
        )

    async def _claim(self, claim: Callable[[Transaction], list[Claimed]], *, taken: int, queue: str) -> int:
        """Claim in one transaction; a claim whose answer was lost is found by the reconciler."""
        started, began = 0, time.monotonic()
        try:
            claims, definitions, parameters = await self._desk.write(lambda tx: _with_definitions(tx, claim(tx)))
            crash.reached("after_claim")
            self._took = time.monotonic() - began
            self._size.note_success(len(claims), seconds=self._took)
            started = self._runner.start([self._running(c, definitions, parameters, queue=queue) for c in claims])
        except Exception as error:  # noqa: BLE001 - a claim that fails must not end all claiming
            self._size.note_failure(taken)
            if not isinstance(error, Unavailable):
                self._events.claim_failed(error, queue=queue)
            await asyncio.sleep(PAUSE)
        finally:
            if started < taken:
                self._slots.give_back(taken - started)
                self.wake()
        return started

    def _running(
        self,
        claimed: Claimed,
        definitions: dict[tuple[int, int], TaskDefinition],
        parameters: dict[int, dict[str, object]],
        *,
        queue: str | None = None,
    ) -> Running:
        """Ready to run; what cannot be compiled runs into its fault, and ends by it."""
        revision = (claimed.task_id, claimed.revision)
        try:
            definition = definitions[revision]
            task = self._compiled.get(revision, definition)
        except Exception as error:  # noqa: BLE001 - a definition that an older version accepted
            return Running(
                claimed, None, queue or self._queues[0], {}, fault=f"the task's definition is broken: {error!r}"
            )
        own = parameters.get(claimed.id)
        merged = task.parameters if own is None else {**task.parameters, **own}
        return Running(claimed, task, queue or definition.queue, merged)


def _stopped_departments(tx: Transaction) -> tuple[int, ...]:
    return tx.stops.departments(tx.now) if tx.stops else ()


Claims = tuple[list[Claimed], dict[tuple[int, int], TaskDefinition], dict[int, dict[str, object]]]


def _with_definitions(tx: Transaction, claims: list[Claimed]) -> Claims:
    crash.reached("before_claim")
    definitions = dict(tx.revisions.load(tx.connection, ((c.task_id, c.revision) for c in claims)))
    parameters = {c.id: find_parameters(tx.connection, c.id) for c in claims if c.flags & Flag.HAS_PARAMETERS}
    return claims, definitions, parameters
