"""What nodes on one Redis share, and what keeps strangers and other clusters out."""

from datetime import timedelta

import pytest
import redis.asyncio

from distributedjob.access.backoff import LoginBackoff
from distributedjob.model.instant import MINUTE, SECOND
from integration.cache.conftest import Cluster, Node
from support.waiting import until

pytestmark = pytest.mark.usefixtures("patience")

LONG = timedelta(minutes=1)
NOW = 1_800_000_000 * SECOND
OTHER_KEY = b"o" * 32


@pytest.fixture
async def nodes(cluster: Cluster, redis_url: str) -> list[Node]:
    return [await (await cluster.node(redis_url)).ready() for _ in range(3)]


@pytest.fixture
async def operator(redis_url: str):
    """Somebody else with access to the same Redis."""
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        yield client


async def keys_of(operator: redis.asyncio.Redis, cluster: Cluster) -> list[str]:
    return sorted([key.decode() async for key in operator.scan_iter(f"{cluster.prefix}:*", count=10_000)])


async def key_of(operator: redis.asyncio.Redis, cluster: Cluster, *, end: str) -> str:
    (found,) = [key for key in await keys_of(operator, cluster) if key.endswith(end)]
    return found


async def test_what_one_node_puts_the_others_find(nodes):
    await nodes[0].cache.put({"a": b"1"}, ttl=LONG)

    assert [await node.cache.find(["a"]) for node in nodes] == [{"a": b"1"}] * 3


async def test_looks_are_counted_by_kind(nodes):
    node = nodes[0]
    await node.cache.put({"revision:1:1": b"1"}, ttl=LONG)
    await node.cache.find(["revision:1:1", "revision:1:2", "revision:2:1"])
    looks = [
        node.metrics.registry.get_sample_value("distributedjob_cache_lookups_total", {"kind": "revision", "result": r})
        for r in ("hit", "miss")
    ]

    assert looks == [1, 2]


async def test_requests_are_counted_over_all_nodes(nodes):
    passed = [await nodes[number % 3].cache.hit("user:1", per_second=5) for number in range(15)]

    assert passed == [True] * 10 + [False] * 5


async def test_guessing_at_three_nodes_is_no_faster_than_at_one(nodes):
    backoffs = [LoginBackoff(node.cache) for node in nodes]
    admitted, now = 0, NOW
    while now < NOW + 10 * MINUTE:
        waits = [await backoff.admit(account="admin", address="192.0.2.1", now=now) for backoff in backoffs]
        admitted += waits.count(0)
        now += max(SECOND, min(waits))

    assert admitted == 10


async def test_a_login_that_succeeds_is_known_to_the_other_nodes(nodes):
    one, other = (LoginBackoff(node.cache) for node in nodes[:2])
    for _ in range(3):
        await one.admit(account="admin", address="192.0.2.1", now=NOW)
    await one.note_success(account="admin", address="192.0.2.1")

    assert [await other.admit(account="admin", address="192.0.2.1", now=NOW) for _ in range(4)] == [0, 0, 0, 0]


async def test_a_message_reaches_every_node(nodes):
    heard: list[bytes] = []
    for node in nodes:
        node.cache.subscribe(heard.append)
    await nodes[0].cache.publish(b"hello")
    await until(lambda: len(heard) == 3)

    assert heard == [b"hello"] * 3


async def test_two_clusters_under_one_prefix_never_meet(cluster, redis_url, nodes):
    stranger = await (await cluster.node(redis_url, key=OTHER_KEY)).ready()
    heard: list[bytes] = []
    stranger.cache.subscribe(heard.append)
    await nodes[0].cache.put({"a": b"1"}, ttl=LONG)
    await nodes[0].cache.publish(b"ours")
    while await nodes[0].cache.hit("user:1", per_second=1):
        pass
    await stranger.cache.publish(b"theirs")
    await until(lambda: heard)

    assert await stranger.cache.find(["a"]) == {}
    assert await stranger.cache.hit("user:1", per_second=1)
    assert (heard, stranger.value("cache_foreign_total")) == ([b"theirs"], 0)


async def test_every_key_is_under_the_prefix_and_goes_by_itself(cluster, operator, nodes):
    node = nodes[0]
    await node.cache.put({"a": b"1"}, ttl=LONG)
    await node.cache.hit("user:1", per_second=1)
    await LoginBackoff(node.cache).admit(account="admin", address="192.0.2.1", now=NOW)
    keys = await keys_of(operator, cluster)

    assert len(keys) >= 5
    assert [key for key in keys if not 0 < await operator.ttl(key) <= 16 * 60] == []


@pytest.mark.parametrize("garbage", [b"", b"\x01", b"hello" * 10, b"\x01" + b"x" * 30, b"\x80\x04\x95."])
async def test_a_value_that_is_not_ours_is_not_there_and_is_counted(cluster, operator, nodes, garbage):
    node = nodes[0]
    await node.cache.put({"a": b"1"}, ttl=LONG)
    await operator.set(await key_of(operator, cluster, end=":a"), garbage)

    assert (await node.cache.find(["a"]), node.value("cache_foreign_total")) == ({}, 1)
    await node.cache.put({"a": b"2"}, ttl=LONG)
    assert await node.cache.find(["a"]) == {"a": b"2"}


async def test_a_value_cannot_be_moved_to_another_place(cluster, operator, nodes):
    node = nodes[0]
    await node.cache.put({"a": b"1", "b": b"2"}, ttl=LONG)
    stolen = await operator.get(await key_of(operator, cluster, end=":a"))
    await operator.set(await key_of(operator, cluster, end=":b"), stolen)

    assert await node.cache.find(["a", "b"]) == {"a": b"1"}


async def test_a_list_where_a_value_was_is_overwritten(cluster, operator, nodes):
    node = nodes[0]
    await node.cache.put({"a": b"1"}, ttl=LONG)
    await put_a_list(operator, await key_of(operator, cluster, end=":a"))

    assert await node.cache.find(["a"]) == {}
    await node.cache.put({"a": b"2"}, ttl=LONG)
    assert await node.cache.find(["a"]) == {"a": b"2"}


async def test_a_counter_that_is_none_begins_anew(cluster, operator, nodes):
    backoff = LoginBackoff(nodes[0].cache)
    await backoff.admit(account="admin", address="192.0.2.1", now=NOW)
    for key in await keys_of(operator, cluster):
        await put_a_list(operator, key)

    assert await LoginBackoff(nodes[1].cache).admit(account="admin", address="192.0.2.1", now=NOW) == 0
    await backoff.take_back(account="admin", address="192.0.2.1")
    assert (nodes[1].value("cache_foreign_total"), nodes[1].up) == (1, True)


@pytest.mark.parametrize("kind", ["a list", "a word"])
async def test_a_rate_that_is_none_begins_anew(cluster, operator, nodes, kind):
    node = nodes[0]
    await node.cache.hit("user:1", per_second=2)
    (rate,) = [key for key in await keys_of(operator, cluster) if ":rate:" in key]
    await (put_a_list(operator, rate) if kind == "a list" else operator.set(rate, "hello"))

    assert [await node.cache.hit("user:1", per_second=2) for _ in range(3)] == [True] * 3
    assert (node.value("cache_foreign_total"), node.up) == (1, True)


@pytest.mark.parametrize("garbage", [b"", b"hello", b"\x01" + b"x" * 200, b"x" * 1_000_000])
async def test_a_message_that_is_not_ours_is_not_heard_and_is_counted(operator, nodes, garbage):
    heard: list[bytes] = []
    nodes[0].cache.subscribe(heard.append)
    (channel,) = {c for c in await operator.pubsub_channels() if c.decode().startswith(nodes_prefix(nodes))}
    await operator.publish(channel, garbage)
    await nodes[1].cache.publish(b"ours")
    await until(lambda: heard)

    assert (heard, nodes[0].value("cache_foreign_total")) == ([b"ours"], 1)


def nodes_prefix(nodes: list[Node]) -> str:
    return nodes[0].cache._seal.namespace


async def put_a_list(operator: redis.asyncio.Redis, key: str) -> None:
    await operator.delete(key)
    await operator.rpush(key, "foreign")
