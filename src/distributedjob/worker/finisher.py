"""Results to the database, batched: flushed whenever a write connection is free.

With the database away results go to the journal, and stay in memory until it answers: nothing is lost when
this process dies in between, and nothing is written twice, since every result is bound to its fence.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence

from distributedjob.model.errors import Unavailable
from distributedjob.services.desk import Desk
from distributedjob.services.finishing import Written, write_results
from distributedjob.services.results import Result
from distributedjob.telemetry.events import Events
from distributedjob.worker.journal import Journal

BATCH = 500
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0


class Finisher:
    """Takes results on the event loop; `run` writes them with `writers` batches in flight at most."""

    def __init__(
        self,
        *,
        desk: Desk,
        journal: Journal,
        events: Events,
        on_written: Callable[[Sequence[Result], Written, float], None],
        writers: int,
    ) -> None:
        self._desk = desk
        self._journal = journal
        self._events = events
        self._on_written = on_written
        self._writers = writers
        self._waiting: deque[Result] = deque()
        self._in_flight = 0
        self._journaled: set[tuple[int, int]] = set()
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
        async with asyncio.TaskGroup() as group:
            for _ in range(self._writers):
                group.create_task(self._write_batches())

    async def _write_batches(self) -> None:
        while True:
            while not self._waiting:
                self._more.clear()
                await self._more.wait()
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            self._in_flight += len(batch)
            await self._write(batch)
            self._in_flight -= len(batch)
            if not self.backlog:
                await self._settle()

    async def _write(self, batch: list[Result]) -> None:
        pause = FIRST_PAUSE
        while True:
            began = time.perf_counter()
            try:
                written = await self._desk.write(lambda tx: write_results(tx, batch))
            except Unavailable as error:
                self._events.results_wait(error, waiting=self.backlog)
                await self._keep(batch)
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 2)
            except Exception as error:  # noqa: BLE001 - a row the database refuses must not hold up the others
                await self._isolate(batch, error)
                return
            else:
                self._on_written(batch, written, time.perf_counter() - began)
                return

    async def _keep(self, batch: Sequence[Result]) -> None:
        """Write to the journal what is not there yet."""
        fresh = [result for result in batch if (result.row.id, result.row.fence) not in self._journaled]
        if not fresh:
            return
        try:
            await asyncio.to_thread(self._journal.append, fresh)
        except OSError as error:
            self._events.journal_refused(error, results=len(fresh))
            return
        self._journaled.update((result.row.id, result.row.fence) for result in fresh)

    async def _isolate(self, batch: list[Result], error: Exception) -> None:
        if len(batch) > 1:
            for result in batch:
                await self._write([result])
            return
        result = batch[0]
        if result.output is None:
            self._events.result_refused(error, execution_id=result.row.id)
            return
        self._events.output_refused(error, execution_id=result.row.id)
        await self._write([result._replace(output=None)])

    async def _settle(self) -> None:
        if self._journaled:
            self._journaled.clear()
            await asyncio.to_thread(self._journal.clear)
        if not self.backlog:
            self._idle.set()
