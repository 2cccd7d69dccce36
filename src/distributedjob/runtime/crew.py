"""Long-lived coroutines that are stopped together, in the order of a plan, inside one task group."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

GRACE = 1.0
"""Seconds to finish a transaction that is under way; one that takes longer is left to the rescue."""


class Crew:
    """Some of a group's tasks. Nothing here outlives the group."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._tasks: list[asyncio.Task[None]] = []
        self._closers: dict[asyncio.Task[None], Callable[[], None]] = {}

    def take(self, coroutine: Coroutine[Any, Any, None], *, name: str, close: Callable[[], None] | None = None) -> None:
        """Run a coroutine; `close`, if given, makes it return by itself when what it has begun is done."""
        task = self._group.create_task(coroutine, name=name)
        self._tasks.append(task)
        if close is not None:
            self._closers[task] = close

    async def stop(self) -> None:
        """Ask those that can to finish what they have begun, then cancel all and wait until they are gone."""
        for close in self._closers.values():
            close()
        if self._closers:
            await asyncio.wait(self._closers, timeout=GRACE)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self._closers.clear()
