"""Passes at a rhythm: sooner when woken, at once while there is more, later after failures, never dead."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from distributedjob.runtime.rhythm import PassFailed, Rhythm
from support.waiting import until

Answer = bool | Exception


class Worker:
    """A service that answers what it is told, then that there is no more."""

    name = "worker"

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.passes = 0

    async def run_once(self) -> bool:
        self.passes += 1
        answer = self.answers.pop(0) if self.answers else False
        if isinstance(answer, Exception):
            raise answer
        return answer


Start = Callable[..., tuple[Rhythm, Worker, list[PassFailed]]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    tasks: list[asyncio.Task[None]] = []

    def run(*answers: Answer, interval: float = 60) -> tuple[Rhythm, Worker, list[PassFailed]]:
        failures: list[PassFailed] = []
        worker = Worker(*answers)
        rhythm = Rhythm(worker, interval=interval, on_failure=failures.append)
        tasks.append(asyncio.create_task(rhythm.run()))
        return rhythm, worker, failures

    yield run
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_the_first_pass_comes_at_once(start: Start) -> None:
    _, worker, _ = start()
    await until(lambda: worker.passes == 1)


async def test_passes_follow_the_interval(start: Start) -> None:
    _, worker, _ = start(interval=0.01)
    await until(lambda: worker.passes >= 3)


async def test_a_wake_brings_a_pass(start: Start) -> None:
    rhythm, worker, _ = start()
    await until(lambda: worker.passes == 1)
    rhythm.wake()
    await until(lambda: worker.passes == 2)


async def test_many_wakes_make_one_pass(start: Start) -> None:
    rhythm, worker, _ = start()
    await until(lambda: worker.passes == 1)
    for _ in range(10):
        rhythm.on_news(None)
    await until(lambda: worker.passes == 2)
    await asyncio.sleep(0.02)
    assert worker.passes == 2


async def test_while_there_is_more_it_goes_on(start: Start) -> None:
    _, worker, _ = start(True, True, True)
    await until(lambda: worker.passes == 4)


async def test_a_failure_is_told_with_its_count(start: Start) -> None:
    rhythm, _, failures = start(ValueError("one"), ValueError("two"))
    await until(lambda: len(failures) == 1)
    rhythm.wake()
    await until(lambda: len(failures) == 2)
    assert [(one.service, one.failures) for one in failures] == [("worker", 1), ("worker", 2)]


async def test_a_service_outlives_its_failures(start: Start) -> None:
    rhythm, worker, _ = start(ValueError("one"))
    await until(lambda: worker.passes == 1)
    rhythm.wake()
    await until(lambda: worker.passes == 2)


async def test_after_a_success_failures_are_counted_anew(start: Start) -> None:
    rhythm, worker, failures = start(ValueError("one"), False, ValueError("two"))
    for count in (1, 2, 3):
        await until(lambda n=count: worker.passes == n)
        rhythm.wake()
    await until(lambda: len(failures) == 2)
    assert [one.failures for one in failures] == [1, 1]


async def test_closing_lets_the_pass_under_way_end() -> None:
    begun, go = asyncio.Event(), asyncio.Event()
    ended: list[bool] = []

    class Slow:
        name = "slow"

        async def run_once(self) -> bool:
            begun.set()
            await go.wait()
            ended.append(True)
            return True

    rhythm = Rhythm(Slow(), interval=60, on_failure=lambda _: None)
    task = asyncio.create_task(rhythm.run())
    await begun.wait()
    rhythm.close()
    go.set()
    await asyncio.wait_for(task, 5)
    assert ended == [True]
