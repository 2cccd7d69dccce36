"""Looking on while a campaign works, and waiting until everything has ended."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

from rig.ledger import Ledger

LOOK_SECONDS = 1.0


async def look_often(ledger: Ledger) -> None:
    """Note each terminal state soon after it came about, for ever."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        await asyncio.to_thread(ledger.look)


async def rest(ledger: Ledger, *, seconds: float) -> None:
    """Wait until nothing is open; what still is when the time is up, the checker finds in the rows."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while await asyncio.to_thread(ledger.count_open):
                await asyncio.sleep(LOOK_SECONDS / 2)
    await asyncio.to_thread(ledger.look)


@asynccontextmanager
async def beside(*lives: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run these for as long as the block lasts; a failure of one ends the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(life) for life in lives]
        yield
        for task in tasks:
            task.cancel()
