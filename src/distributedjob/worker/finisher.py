"""Results to the database, batched: flushed whenever a write connection is free.

With the database away everything that waits goes to the journal, and stays in memory until it answers: nothing is
lost when this process dies in between, and nothing is written twice, since every result is bound to its fence.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from distributedjob.model.errors import Unavailable
from distributedjob.runtime.batch_size import BatchSize
from distributedjob.services.desk import Desk
from distributedjob.services.finishing import Written, write_results
from distributedjob.services.results import Result, take_batch
from distributedjob.telemetry.events import Events
from distributedjob.worker.journal import Journal

BATCH = 500
SMALL_BATCH = 100
GATHER = 0.01
LONGEST_GATHER = 0.025
GATHER_TIMES = 4
"""A result that finds the writers at rest is written at once. A stream of them shares its transactions: between two
small batches is a pause of 10 to 25 ms (seconds here), longer where a batch takes longer. No slot waits for it."""

STUCK_SECONDS = 0.1
"""A small batch waits for one that is under way, but not for one that takes longer: a row may be locked."""

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0


class Finisher:
    """Takes results on the event loop; `run` writes them with `writers` batches in flight at most.

    `on_refused` gets a result that the database will not take in any shape: its execution has no word of ours.
    """

    def __init__(
        self,
        *,
        desk: Desk,
        journal: Journal,
        events: Events,
        on_written: Callable[[Sequence[Result], Written, float], None],
        on_refused: Callable[[Result], None],
        writers: int,
    ) -> None:
        self._desk = desk
        self._journal = journal
        self._events = events
        self._on_written = on_written
        self._on_refused = on_refused
        self._writers = writers
        self._size = BatchSize(BATCH)
        self._waiting: deque[Result] = deque()
        self._in_flight = 0
        self._batches: list[list[Result]] = []
        self._began = 0.0
        self._rests_until = 0.0
        self._journaled: set[tuple[int, int]] = set()
        self._journal_lock = asyncio.Lock()
        self._more = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def backlog(self) -> int:
        """Results that are not in the database yet."""
        return len(self._waiting) + self._in_flight

    def add(self, result: Result) -> None:
        self._waiting.append(result)
        self._idle.clear()
        self._more.set()

    async def flushed(self) -> None:
        """Wait until everything is written."""
        await self._idle.wait()

    async def run(self) -> None:
        """Write until cancelled. What a silent database has not taken by then goes to the journal."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._writers):
                    group.create_task(self._write_batches())
        finally:
            await self._keep([result for batch in self._batches for result in batch])

    async def _write_batches(self) -> None:
        while True:
            await self._turn()
            batch = take_batch(self._waiting, limit=self._size.now)
            self._in_flight += len(batch)
            self._batches.append(batch)
            began = self._began = time.monotonic()
            await self._write(batch)
            self._batches.remove(batch)
            if not self.backlog:
                self._idle.set()
            now = time.monotonic()
            self._rests_until = now + min(LONGEST_GATHER, max(GATHER, GATHER_TIMES * (now - began)))

    async def _turn(self) -> None:
        """Wait until there is a batch worth a transaction of its own."""
        while True:
            if not self._waiting:
                self._more.clear()
                await self._more.wait()
            elif (pause := self._pause()) > 0:
                await asyncio.sleep(pause)
            else:
                return

    def _pause(self) -> float:
        """How long to let a small batch grow."""
        now = time.monotonic()
        if len(self._waiting) >= SMALL_BATCH:
            return 0.0
        if self._batches and now - self._began < STUCK_SECONDS:
            return GATHER / 2
        return min(GATHER / 2, self._rests_until - now)

    async def _write(self, batch: list[Result]) -> None:
        pause = FIRST_PAUSE
        while True:
            began = time.perf_counter()
            try:
                written = await self._desk.write(partial(write_results, results=batch))
            except Unavailable as error:
                self._events.results_wait(error, waiting=self.backlog)
                await self._wait_out(batch, pause)
                pause = min(LONGEST_PAUSE, pause * 2)
                self._size.note_failure(len(batch))
                batch = self._put_back(batch, keep=self._size.now)
            except Exception as error:  # noqa: BLE001 - a row the database refuses must not hold up the others
                await self._isolate(batch, error)
                return
            else:
                seconds = time.perf_counter() - began
                self._size.note_success(len(batch), seconds=seconds)
                self._on_written(batch, written, seconds)
                await self._settle(batch)
                return

    def _put_back(self, batch: list[Result], *, keep: int) -> list[Result]:
        """The first few of a batch that failed; the others wait again, before those that came later."""
        self._waiting.extendleft(reversed(batch[keep:]))
        self._in_flight -= len(batch[keep:])
        return batch[:keep]

    async def _settle(self, batch: list[Result]) -> None:
        """Nothing is left to do for these."""
        await self._forget(batch)
        self._in_flight -= len(batch)

    async def _wait_out(self, batch: list[Result], seconds: float) -> None:
        """Until the next try, keep on disk what waits: this batch, the ones behind it, and each that comes."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            self._more.clear()
            await self._keep(batch)
            if loop.time() >= until:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._more.wait()

    async def _keep(self, batch: list[Result]) -> None:
        """Journal what is not there yet. What waits is read under the lock: another writer may have written it."""
        async with self._journal_lock:
            fresh = [result for result in (*batch, *self._waiting) if result.key not in self._journaled]
            if not fresh:
                return
            try:
                await asyncio.to_thread(self._journal.append, fresh)
            except OSError as error:
                self._events.journal_refused(error, results=len(fresh))
            else:
                self._journaled.update(result.key for result in fresh)

    async def _forget(self, batch: list[Result]) -> None:
        """Empty the journal once all of it is in the database. The lock keeps an append of the other writer whole:
        without it, clearing could throw away what was appended in between."""
        if not self._journaled and not self._journal_lock.locked():
            return
        async with self._journal_lock:
            if not self._journaled:
                return
            self._journaled.difference_update(result.key for result in batch)
            if not self._journaled:
                await asyncio.to_thread(self._journal.clear)

    async def _isolate(self, batch: list[Result], error: Exception) -> None:
        """Write the others in ever smaller batches, and the one that was refused by its bare facts."""
        if half := len(batch) // 2:
            await self._write(batch[:half])
            await self._write(batch[half:])
            return
        (result,) = batch
        if result.bare:
            self._events.result_refused(error, execution_id=result.row.id)
            self._on_refused(result)
            await self._settle(batch)
            return
        self._events.output_refused(error, execution_id=result.row.id)
        await self._write([result.stripped()])
