"""A coroutine that lives as long as a block."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

GRACE = 2.0
"""Seconds for it to end; the end of the program waits no longer."""


@asynccontextmanager
async def alongside(coroutine: Coroutine[Any, Any, None], *, name: str) -> AsyncIterator[None]:
    """Run it beside the block and cancel it at the block's end. Unlike a task group it does not wrap what the block
    raises; in return the coroutine has to live with its own failures."""
    task = asyncio.create_task(coroutine, name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=GRACE)
