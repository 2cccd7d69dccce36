"""The cache of one process and the one in Redis do the same: whoever uses a cache need not know which it is."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest

from distributedjob.access.backoff import LoginBackoff
from distributedjob.cache import link
from distributedjob.cache.open import RedisAddress, open_cache
from distributedjob.cache.port import Cache, Counter
from distributedjob.model.instant import MINUTE, SECOND, Instant
from distributedjob.rules.patience import Patience
from distributedjob.telemetry.events import Events
from distributedjob.telemetry.metrics import Metrics
from support.waiting import until

NOW = 1_800_000_000 * SECOND
LONG = timedelta(minutes=1)
STRICT = Counter("strict", Patience(free=2, cap=MINUTE, lock_at=5, lock=15 * MINUTE))
LOOSE = Counter("loose", Patience(free=20, cap=MINUTE))


@pytest.fixture(params=["local", "redis"])
async def cache(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cache]:
    address = None
    monkeypatch.setattr(link, "PATIENCE", 5.0)  # what is tested is not how soon one gives up on a busy machine
    if request.param == "redis":
        address = RedisAddress(request.getfixturevalue("redis_url"), None, f"test-{secrets.token_hex(6)}")
    async with open_cache(address, key=secrets.token_bytes(32), events=Events(), metrics=Metrics()) as cache:
        yield cache


async def waits(cache: Cache, *times: Instant) -> list[Instant]:
    return [await cache.admit([STRICT], now=now) for now in times]


async def test_what_was_put_is_found_and_nothing_else(cache):
    await cache.put({"a": b"1", "b": b"\x00\xff"}, ttl=LONG)

    assert await cache.find(["a", "b", "c"]) == {"a": b"1", "b": b"\x00\xff"}


async def test_nothing_is_found_of_nothing(cache):
    await cache.put({}, ttl=LONG)
    await cache.forget([])

    assert await cache.find([]) == {}


async def test_a_later_value_takes_the_place_of_an_earlier_one(cache):
    await cache.put({"a": b"1"}, ttl=LONG)
    await cache.put({"a": b"2"}, ttl=LONG)

    assert await cache.find(["a"]) == {"a": b"2"}


async def test_a_value_goes_at_its_time(cache):
    await cache.put({"a": b"1"}, ttl=timedelta(milliseconds=20))
    await cache.put({"b": b"2"}, ttl=LONG)

    async def gone() -> bool:
        return await cache.find(["a"]) == {}

    await until_so(gone)
    assert await cache.find(["a", "b"]) == {"b": b"2"}


async def test_what_is_forgotten_is_gone(cache):
    await cache.put({"a": b"1", "b": b"2"}, ttl=LONG)
    await cache.forget(["a", "never there"])

    assert await cache.find(["a", "b"]) == {"b": b"2"}


async def test_a_second_brings_so_many_requests_and_as_many_in_a_burst(cache):
    passed = [await cache.hit("user:1", per_second=5) for _ in range(15)]

    assert passed == [True] * 10 + [False] * 5


async def test_each_name_has_a_rate_of_its_own(cache):
    for _ in range(3):
        await cache.hit("user:1", per_second=1)

    assert [await cache.hit(name, per_second=1) for name in ("user:1", "user:2")] == [False, True]


async def test_who_was_refused_may_come_again_soon(cache):
    while await cache.hit("user:1", per_second=1):
        pass

    async def passed() -> bool:
        return await cache.hit("user:1", per_second=1)

    await until_so(passed)


async def test_waits_begin_after_the_free_failures_and_double(cache):
    assert await waits(cache, NOW, NOW, NOW, NOW) == [0, 0, 0, SECOND]
    assert await waits(cache, NOW + SECOND, NOW + SECOND) == [0, 2 * SECOND]


async def test_a_refused_try_is_not_counted(cache):
    await waits(cache, *[NOW] * 30)

    assert await waits(cache, NOW + SECOND, NOW + SECOND) == [0, 2 * SECOND]


async def test_the_last_failure_locks(cache):
    await waits(cache, NOW, NOW, NOW, NOW + SECOND, NOW + 10 * SECOND)

    assert await waits(cache, NOW + 11 * SECOND) == [15 * MINUTE - SECOND]


async def test_failures_are_forgotten_after_15_quiet_minutes(cache):
    await waits(cache, NOW, NOW, NOW, NOW + SECOND)
    later = NOW + 16 * MINUTE

    assert await waits(cache, later, later, later, later) == [0, 0, 0, SECOND]


async def test_the_longest_wait_of_several_counters_counts_and_none_counts_a_refused_try(cache):
    for _ in range(3):
        await cache.admit([STRICT, LOOSE], now=NOW)
    refused = await cache.admit([LOOSE, STRICT], now=NOW)
    alone = [await cache.admit([LOOSE], now=NOW) for _ in range(18)]

    assert (refused, alone) == (SECOND, [0] * 18)
    assert await cache.admit([LOOSE], now=NOW) == SECOND


async def test_a_try_that_is_taken_back_does_not_count(cache):
    for _ in range(30):
        assert await waits(cache, NOW) == [0]
        await cache.take_back([STRICT.name])


async def test_taking_back_leaves_the_failures_before(cache):
    await waits(cache, NOW, NOW, NOW, NOW + SECOND)
    await cache.take_back([STRICT.name])

    assert await waits(cache, NOW + SECOND, NOW + SECOND) == [0, 2 * SECOND]


async def test_taking_back_what_was_never_counted_is_nothing(cache):
    await cache.take_back([STRICT.name])

    assert await waits(cache, NOW, NOW, NOW, NOW) == [0, 0, 0, SECOND]


async def test_a_forgotten_counter_begins_anew(cache):
    await waits(cache, NOW, NOW, NOW)
    await cache.forget([STRICT.name])

    assert await waits(cache, NOW) == [0]


async def test_all_who_listen_hear_every_message(cache):
    heard: list[tuple[str, bytes]] = []
    cache.subscribe(lambda message: heard.append(("one", message)))
    cache.subscribe(lambda message: heard.append(("two", message)))
    await listening(cache)
    sent = [await cache.publish(bytes([number])) for number in range(3)]

    await until(lambda: len(heard) == 6)
    assert sent == [True] * 3
    assert [message for who, message in heard if who == "one"] == [b"\0", b"\1", b"\2"]


async def test_one_address_cannot_lock_everyone(cache):
    backoff = LoginBackoff(cache)
    for number in range(300):
        await backoff.admit(account=f"user{number % 20}", address="192.0.2.1", now=NOW + number * SECOND)
    later = NOW + 300 * SECOND
    elsewhere = [
        await backoff.admit(account=f"user{number}", address=f"198.51.100.{number}", now=later) for number in range(20)
    ]

    assert elsewhere == [0] * 20


async def listening(cache: Cache) -> None:
    """Wait until messages are heard."""
    if (subscription := getattr(cache, "subscription", None)) is not None:
        await until(subscription.listening.is_set)


async def until_so(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await true():
            await asyncio.sleep(0.005)
