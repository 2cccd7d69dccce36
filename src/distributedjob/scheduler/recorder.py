"""The recorder: at the fire time, due fires become rows in one transaction, and go to a worker at once.

It sleeps until the earliest fire of its window. While one transaction is under way the next fires gather, so
batches grow by themselves under load and an idle system commits each fire the moment it is due.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from distributedjob.cluster.port import Membership
from distributedjob.dispatch.port import CursorMoved
from distributedjob.model.errors import Unavailable
from distributedjob.model.execution import Claimed
from distributedjob.model.instant import SECOND, Instant
from distributedjob.model.task import SHARDS, TaskDefinition
from distributedjob.runtime.batch_size import BatchSize
from distributedjob.runtime.clock import Clock
from distributedjob.scheduler.window import AHEAD, Window
from distributedjob.services.batch import NO_SLOTS, Recorded, Slots
from distributedjob.services.desk import Desk
from distributedjob.services.recording import record_free
from distributedjob.telemetry.events import Events

BATCH = 250
ALL_SHARDS = frozenset(range(SHARDS))
READ_LIMIT = 20_000
SMALL_BATCH = 64
WAIT_SECONDS = 0.002
LONGEST_GATHER = 8_000
"""Microseconds."""

LONGEST_SLEEP = 1.0
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0


class LocalWorker(Protocol):
    """A worker in this process, which may take fires that are recorded as already claimed."""

    @property
    def free(self) -> int: ...

    @property
    def open(self) -> bool: ...

    def take_slots(self, wanted: int) -> Slots: ...

    def give_back(self, slots: Slots, *, used: int) -> None: ...

    def start(self, claims: Sequence[Claimed], *, definitions: dict[tuple[int, int], TaskDefinition]) -> None: ...


class WindowReader:
    """Reads, once a second, what is due within the window; of more than a page, the earliest.

    Shards that went to another node are recorded for one more pass, until the other has read them; then the window
    forgets them, in two passes, since what is being recorded during the first comes back.
    """

    name = "window"

    def __init__(
        self, *, desk: Desk, clock: Clock, membership: Membership, window: Window, wake: Callable[[], None]
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._membership = membership
        self._window = window
        self._wake = wake
        self._had: frozenset[int] = frozenset()
        self._passes_left = 0

    async def run_once(self) -> bool:
        until, shards = self._clock.now() + AHEAD, self._membership.shards
        hot, due = self._desk.store.hot, list[tuple[int, Instant]]()
        if shards != ():
            due = await self._desk.store.read(lambda c: hot.list_due(c, until=until, shards=shards, limit=READ_LIMIT))
        self._forget(shards, [schedule_id for schedule_id, _ in due])
        for schedule_id, fire_at in due:
            self._window.put(schedule_id, fire_at)
        self._wake()
        return False

    def _forget(self, shards: tuple[int, ...] | None, due: list[int]) -> None:
        have = ALL_SHARDS if shards is None else frozenset(shards)
        if self._had - have:
            self._passes_left = 2
        elif self._passes_left:
            self._passes_left -= 1
            self._window.keep(due)
        self._had = have


class Recorder:
    """Records what is due in the window.

    `patience` is how late a fire may become, in microseconds, while it waits for a free slot of this process's
    worker; after that it is recorded as pending, for whoever has room.
    """

    def __init__(
        self,
        *,
        desk: Desk,
        clock: Clock,
        window: Window,
        worker: LocalWorker | None,
        events: Events,
        on_recorded: Callable[[Recorded], None],
        patience: int,
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._window = window
        self._worker = worker
        self._events = events
        self._on_recorded = on_recorded
        self._patience = patience
        self._size = BatchSize(BATCH)
        self._wake = asyncio.Event()
        self._closing = False

    def wake(self) -> None:
        self._wake.set()

    def cursor_moved(self, news: CursorMoved) -> None:
        """A schedule was created or changed in this process."""
        if news.next_fire_at <= self._clock.now() + AHEAD:
            self._window.put(news.schedule_id, news.next_fire_at)
            self._wake.set()

    def close(self) -> None:
        """Let `run` return when the transaction under way has been handed over."""
        self._closing = True
        self._wake.set()

    async def run(self) -> None:
        """Record until closed."""
        pause = FIRST_PAUSE
        while not self._closing:
            due = [] if self._clock.frozen else self._window.take_due(self._clock.now(), limit=await self._room())
            if not due:
                await self._sleep()
                continue
            try:
                began = self._clock.now()
                await self._record(due)
                took = self._clock.now() - began
                self._size.note_success(len(due), seconds=took / SECOND)
                await self._gather(len(due), took=took)
                pause = FIRST_PAUSE
            except Unavailable as error:
                self._size.note_failure(len(due))
                self._events.recording_waits(error, schedules=len(due))
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 2)
            except Exception as error:  # noqa: BLE001 - one broken schedule must not stop the others
                await self._record_apart(due, error)

    async def _room(self) -> int:
        """How many fires to take. A busy worker is waited for a moment: a fire that cannot start yet gains nothing
        by being recorded first, and one that is recorded as claimed saves a write."""
        if self._worker is None or not self._worker.open:
            return self._size.now
        next_at = self._window.next_at
        while next_at is not None and self._worker.free < SMALL_BATCH and self._clock.now() - next_at < self._patience:  # noqa: ASYNC110
            await asyncio.sleep(WAIT_SECONDS)  # a slot is freed thousands of times a second: an event costs more
        return min(self._size.now, max(SMALL_BATCH, self._worker.free))

    async def _gather(self, recorded: int, *, took: int) -> None:
        """After a small batch, with the next fires due already, let a few more come: most of a transaction's cost is
        the transaction's, not its rows'. A fire that finds the recorder idle is never kept waiting."""
        next_at = self._window.next_at
        if recorded < SMALL_BATCH and next_at is not None and next_at <= self._clock.now():
            await asyncio.sleep(min(LONGEST_GATHER, 2 * took) / SECOND)

    async def _sleep(self) -> None:
        self._wake.clear()
        next_at = self._window.next_at
        pause = LONGEST_SLEEP
        if next_at is not None and not self._clock.frozen:
            pause = min(pause, (next_at - self._clock.now()) / SECOND)
        if pause <= 0:
            return
        try:
            async with asyncio.timeout(pause):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _record(self, due: list[int]) -> None:
        slots = NO_SLOTS if self._worker is None else self._worker.take_slots(len(due))
        recorded = Recorded()
        try:
            recorded = await self._desk.write(lambda tx: record_free(tx, due, slots=slots))
            self._hand_over(recorded)
        finally:
            # What is not recorded leaves the window too: the next read, a second later, brings it back.
            self._window.done(due, recorded.cursors, until=self._clock.now() + AHEAD)
            if self._worker is not None:
                self._worker.give_back(slots, used=len(recorded.claimed))

    def _hand_over(self, recorded: Recorded) -> None:
        if recorded.claimed and self._worker is not None:
            self._worker.start(recorded.claimed, definitions=recorded.definitions)
        self._desk.dispatch.announce(recorded.hints)
        self._on_recorded(recorded)

    async def _record_apart(self, due: list[int], error: Exception) -> None:
        """Find the schedule that is at fault by halves, and record the others."""
        half = len(due) // 2
        if not half:
            self._events.schedule_refused(error, schedule_id=due[0])  # for its owner to mend
            return
        for part in (due[:half], due[half:]):
            try:
                await self._record(part)
            except Unavailable as outage:
                self._events.recording_waits(outage, schedules=len(part))
                return  # the next read brings the rest back
            except Exception as refused:  # noqa: BLE001
                await self._record_apart(part, refused)
