"""One write for many askers, each with its own answer."""

import asyncio
from collections.abc import Sequence

import pytest

from distributedjob.runtime.batcher import Batcher


class Writer:
    """Doubles numbers, in batches that are held until `go`."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go = asyncio.Event()
        self.fault: Exception | None = None

    async def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        await self.go.wait()
        if self.fault is not None:
            raise self.fault
        return [2 * item for item in items]


async def asked(writer: Writer, *items: int, limit: int = 500) -> tuple[Batcher[int, int], list["asyncio.Task[int]"]]:
    batcher: Batcher[int, int] = Batcher(writer, limit=limit)
    running.append(asyncio.create_task(batcher.run()))
    tasks = [asyncio.create_task(batcher.ask(item)) for item in items]
    await asyncio.sleep(0.01)
    return batcher, tasks


running: list["asyncio.Task[None]"] = []


@pytest.fixture(autouse=True)
async def _stop():
    yield
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    running.clear()


async def test_everybody_gets_its_own_answer() -> None:
    writer = Writer()
    writer.go.set()
    _, tasks = await asked(writer, 1, 2, 3)
    assert await asyncio.gather(*tasks) == [2, 4, 6]


async def test_what_waits_while_a_write_is_under_way_goes_with_the_next() -> None:
    writer = Writer()
    batcher, tasks = await asked(writer, 1)
    tasks += [asyncio.create_task(batcher.ask(item)) for item in (2, 3)]
    await asyncio.sleep(0.01)
    writer.go.set()
    await asyncio.gather(*tasks)
    assert writer.batches == [[1], [2, 3]]


async def test_a_batch_is_never_larger_than_its_limit() -> None:
    writer = Writer()
    writer.go.set()
    _, tasks = await asked(writer, *range(7), limit=3)
    await asyncio.gather(*tasks)
    assert max(len(batch) for batch in writer.batches) == 3


async def test_a_fault_is_told_to_all_of_its_batch_and_to_nobody_else() -> None:
    writer = Writer()
    writer.fault = LookupError("gone")
    writer.go.set()
    batcher, tasks = await asked(writer, 1, 2)
    faults = await asyncio.gather(*tasks, return_exceptions=True)
    writer.fault = None
    assert ([type(fault) for fault in faults], await batcher.ask(5)) == ([LookupError, LookupError], 10)


async def test_one_who_stopped_waiting_harms_nobody() -> None:
    writer = Writer()
    _, tasks = await asked(writer, 1, 2)
    tasks[0].cancel()
    writer.go.set()
    assert await tasks[1] == 4
