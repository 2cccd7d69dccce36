"""Long-lived coroutines that are stopped together, in the order of a plan, inside one task group."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Crew:
    """Some of a group's tasks. Nothing here outlives the group."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._tasks: list[asyncio.Task[None]] = []

    def take(self, coroutine: Coroutine[Any, Any, None], *, name: str) -> None:
        self._tasks.append(self._group.create_task(coroutine, name=name))

    async def stop(self) -> None:
        """Cancel all and wait until they are gone."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
