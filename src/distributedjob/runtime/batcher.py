"""One write for many askers: whatever waits while a write is under way goes with the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

A = TypeVar("A")
B = TypeVar("B")


class Batcher(Generic[A, B]):
    """Collects items and answers each from one call of `write`, which returns answers in order."""

    def __init__(self, write: Callable[[Sequence[A]], Awaitable[Sequence[B]]], *, limit: int = 500) -> None:
        self._write = write
        self._limit = limit
        self._waiting: list[tuple[A, asyncio.Future[B]]] = []
        self._more = asyncio.Event()

    async def ask(self, item: A) -> B:
        answer: asyncio.Future[B] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        self._more.set()
        return await answer

    async def run(self) -> None:
        while True:
            await self._more.wait()
            batch, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
            if not self._waiting:
                self._more.clear()
            await self._answer(batch)

    async def _answer(self, batch: list[tuple[A, "asyncio.Future[B]"]]) -> None:
        try:
            answers = await self._write([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - handed to those who asked
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)
