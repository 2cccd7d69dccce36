"""Waiting for something to become true, with a deadline."""

import asyncio
from collections.abc import Callable

DEADLINE = 10.0


async def until(true: Callable[[], object]) -> None:
    """Give the loop to others until `true()`; fail after ten seconds."""
    async with asyncio.timeout(DEADLINE):
        while not true():
            await asyncio.sleep(0.005)
