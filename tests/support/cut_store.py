"""A real store with a door in front: while it is shut, the database is away."""

import asyncio
from dataclasses import dataclass
from typing import TypeVar

from distributedjob.store.errors import StoreUnavailable
from distributedjob.store.hot.statements import HotStatements
from distributedjob.store.port import Store, Unit

T = TypeVar("T")


@dataclass
class CutStore:
    behind: Store
    away: bool = False
    tries: int = 0
    reads: int = 0
    answers_lost: bool = False
    """Writes happen, but the caller is told that the database is away."""
    silent: bool = False
    """Nobody is told anything, ever."""

    @property
    def hot(self) -> HotStatements:
        return self.behind.hot

    async def write(self, unit: Unit[T]) -> T:
        self.tries += 1
        if self.silent:
            await asyncio.Event().wait()
        if self.away:
            raise StoreUnavailable("the database is away")
        answer = await self.behind.write(unit)
        if self.answers_lost:
            raise StoreUnavailable("the answer was lost")
        return answer

    async def read(self, unit: Unit[T]) -> T:
        self.reads += 1
        if self.away:
            raise StoreUnavailable("the database is away")
        return await self.behind.read(unit)

    async def close(self) -> None:
        await self.behind.close()
