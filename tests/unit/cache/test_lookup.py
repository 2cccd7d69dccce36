"""One load for many that ask at once, and nothing kept longer than it may be."""

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest

from distributedjob.cache.lookup import Lookup

FRESH = 3_000_000


class Loader:
    """Loads what the test says, when the test says it, and counts."""

    def __init__(self) -> None:
        self.now = 0
        self.looks: Counter[str] = Counter()
        self.loads = 0
        self.answer: object = "value"
        self.open = asyncio.Event()
        self.lookup: Lookup[int, object] = Lookup(
            fresh=FRESH, clock=lambda: self.now, note=lambda look: self.looks.update([look]), capacity=3
        )

    async def __call__(self) -> object:
        self.loads += 1
        await self.open.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def find(self, key: int = 1) -> object:
        return await self.lookup.find(key, self)


@pytest.fixture
async def loader() -> Loader:
    return Loader()


async def asked(find: Callable[[], object], times: int) -> list[asyncio.Task[object]]:
    tasks = [asyncio.create_task(find()) for _ in range(times)]
    await asyncio.sleep(0)
    return tasks


async def test_many_that_ask_at_once_cause_one_load(loader):
    tasks = await asked(loader.find, 100)
    loader.open.set()

    assert await asyncio.gather(*tasks) == ["value"] * 100
    assert (loader.loads, loader.looks) == (1, {"miss": 100})


async def test_many_that_ask_for_what_does_not_exist_cause_one_load_too(loader):
    loader.answer = None
    tasks = await asked(loader.find, 100)
    loader.open.set()

    assert (await asyncio.gather(*tasks), loader.loads) == ([None] * 100, 1)


async def test_what_does_not_exist_is_asked_for_again(loader):
    loader.open.set()
    loader.answer = None
    await loader.find()
    loader.answer = "value"

    assert await loader.find() == "value"


async def test_a_failure_fails_all_who_waited_and_nobody_after(loader):
    loader.answer = ConnectionError("away")
    tasks = await asked(loader.find, 3)
    loader.open.set()
    failed = await asyncio.gather(*tasks, return_exceptions=True)
    loader.answer = "value"

    assert [type(each) for each in failed] == [ConnectionError] * 3
    assert (await loader.find(), loader.loads) == ("value", 2)


async def test_when_the_one_who_loads_goes_away_another_loads(loader):
    first, *rest = await asked(loader.find, 5)
    first.cancel()
    await asyncio.sleep(0)
    loader.open.set()

    assert (await asyncio.gather(*rest), loader.loads) == (["value"] * 4, 2)


async def test_one_who_waits_and_goes_away_takes_nobody_along(loader):
    first, second = await asked(loader.find, 2)
    second.cancel()
    loader.open.set()

    assert (await first, loader.loads) == ("value", 1)


async def test_a_value_is_kept_as_long_as_it_is_fresh(loader):
    loader.open.set()
    for now in (0, FRESH - 1, FRESH):
        loader.now = now
        await loader.find()

    assert (loader.loads, loader.looks) == (2, {"miss": 2, "hit": 1})


async def test_a_value_is_as_old_as_its_question(loader):
    (task,) = await asked(loader.find, 1)
    loader.now = FRESH
    loader.open.set()
    await task
    await loader.find()

    assert loader.loads == 2


async def test_a_forgotten_value_is_loaded_again(loader):
    loader.open.set()
    await loader.find()
    loader.lookup.forget(1)
    await loader.find()

    assert loader.loads == 2


async def test_an_answer_that_was_under_way_when_it_was_forgotten_is_not_kept(loader):
    (old,) = await asked(loader.find, 1)
    loader.lookup.forget(1)
    (new,) = await asked(loader.find, 1)
    loader.open.set()
    await asyncio.gather(old, new)

    assert loader.loads == 2
    await loader.find()
    assert loader.loads == 2


async def test_the_oldest_goes_when_there_are_too_many(loader):
    loader.open.set()
    for key in (1, 2, 3, 4, 2, 1):
        await loader.find(key)

    assert loader.loads == 5
