"""A Redis that dies, freezes, forgets, refuses or is none: nobody waits for it, and once back it is used again."""

import asyncio
import time
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from distributedjob.cache.port import Counter
from distributedjob.model.instant import MINUTE, SECOND
from distributedjob.rules.patience import Patience
from integration.cache.conftest import Cluster, Node
from support.certificates import make_certificates
from support.program import pick_free_port
from support.redis_server import RedisServer, RedisUser
from support.waiting import until

LONG = timedelta(minutes=1)
NOW = 1_800_000_000 * SECOND
TRIES = [Counter("login:x", Patience(free=2, cap=MINUTE))]


async def everything(node: Node) -> float:
    """Use all that a request may wait for; gives the seconds that the slowest took."""
    slowest = 0.0
    for act in (
        lambda: node.cache.find(["a"]),
        lambda: node.cache.put({"a": b"1"}, ttl=LONG),
        lambda: node.cache.forget(["b"]),
        lambda: node.cache.hit("user:1", per_second=100),
        lambda: node.cache.admit(TRIES, now=NOW),
        lambda: node.cache.take_back(["login:x"]),
    ):
        started = time.perf_counter()
        await act()
        slowest = max(slowest, time.perf_counter() - started)
    return slowest


async def test_a_killed_redis_costs_next_to_nothing_and_is_used_again_when_it_is_back(cluster, redis_server):
    node = await (await cluster.node(redis_server.url)).ready()
    await node.cache.put({"a": b"1"}, ttl=LONG)
    redis_server.kill()
    first = await everything(node)
    then = await everything(node)
    await until(lambda: not node.up)
    redis_server.start()
    await node.ready()

    assert (first < 0.2, then < 0.02) == (True, True), (first, then)
    assert await node.cache.find(["a"]) == {}
    await node.cache.put({"a": b"1"}, ttl=LONG)
    assert await node.cache.find(["a"]) == {"a": b"1"}


async def test_a_frozen_redis_is_waited_for_once_and_shortly(cluster, redis_server):
    node = await (await cluster.node(redis_server.url)).ready()
    redis_server.freeze()
    started = time.perf_counter()
    await asyncio.gather(*(node.cache.hit("user:1", per_second=1000) for _ in range(100)))
    crowd = time.perf_counter() - started
    then = await everything(node)
    redis_server.thaw()
    await node.ready()

    assert (crowd < 0.3, then < 0.02) == (True, True), (crowd, then)


async def test_a_hundred_frozen_questions_leave_no_wrong_answer_behind(cluster, redis_server):
    node = await (await cluster.node(redis_server.url)).ready()
    await node.cache.put({str(number): str(number).encode() for number in range(100)}, ttl=LONG)
    redis_server.freeze()
    await asyncio.gather(*(node.cache.find([str(number)]) for number in range(100)))
    redis_server.thaw()
    await node.ready()
    found = await asyncio.gather(*(node.cache.find([str(number)]) for number in range(100)))

    assert all(answer in ({}, {str(n): str(n).encode()}) for n, answer in enumerate(found))
    assert await node.cache.find(["7"]) == {"7": b"7"}


async def test_an_outage_is_said_once_and_its_end_too(cluster, redis_server):
    node = await (await cluster.node(redis_server.url)).ready()
    with capture_logs() as lines:
        redis_server.kill()
        for _ in range(5):
            await everything(node)
        await until(lambda: any("away" in line["event"] for line in lines))
        redis_server.start()
        await node.ready()

    assert [line["event"] for line in lines] == ["Redis is away; this node goes on for itself", "Redis is back"]


async def test_a_message_is_sent_when_redis_is_back_within_a_second(cluster, redis_server):
    one, other = await cluster.node(redis_server.url), await cluster.node(redis_server.url)
    await one.ready()
    await other.ready()
    heard: list[bytes] = []
    other.cache.subscribe(heard.append)
    redis_server.freeze()
    await one.cache.hit("user:1", per_second=1)
    sending = asyncio.create_task(one.cache.publish(b"hello"))
    await asyncio.sleep(0)
    redis_server.thaw()

    assert await sending
    await until(lambda: heard)


async def test_a_message_that_cannot_be_sent_is_given_up(cluster, redis_server):
    node = await (await cluster.node(redis_server.url)).ready()
    redis_server.kill()

    assert not await node.cache.publish(b"hello")


async def test_after_a_flush_what_was_locked_stays_locked_on_this_node(cluster, redis_server):
    node = await (await cluster.node(redis_server.url)).ready()
    while not await node.cache.admit(TRIES, now=NOW):
        pass
    await flush(redis_server)

    assert await node.cache.admit(TRIES, now=NOW) == SECOND


async def test_scripts_that_redis_forgot_are_sent_again(cluster, redis_server):
    node = await (await cluster.node(redis_server.url)).ready()
    await everything(node)
    await command(redis_server, "SCRIPT FLUSH")
    with capture_logs() as lines:
        await everything(node)

    assert (lines, node.up) == ([], True)


async def test_a_connection_that_an_operator_kills_is_opened_anew(cluster, redis_server):
    one, other = await cluster.node(redis_server.url), await cluster.node(redis_server.url)
    await one.ready()
    await other.ready()
    heard: list[bytes] = []
    other.cache.subscribe(heard.append)
    await command(redis_server, "CLIENT KILL TYPE pubsub")
    await until(lambda: not other.cache.subscription.listening.is_set())
    await other.ready()
    await one.ready()
    await one.cache.publish(b"hello")
    await until(lambda: heard)

    assert heard == [b"hello"]


@pytest.mark.parametrize("rules", [("~*", "&*", "+@all"), ("~test-*", "&test-*", "+@all", "-@admin", "-@dangerous")])
async def test_a_user_with_rights_on_the_prefix_alone_is_enough(cluster, tmp_path, rules):
    user = RedisUser(name="dj", password="p:w/%x@", rules=rules)
    with RedisServer(tmp_path / "redis", user=user) as server, capture_logs() as lines:
        node = await (await cluster.node(escaped(server, user))).ready()
        await everything(node)
        assert await node.cache.publish(b"hello")

    assert lines == []


async def test_a_primary_that_was_demoted_is_left(cluster, redis_server):
    node = await (await cluster.node(redis_server.url)).ready()
    with capture_logs() as lines:
        await command(redis_server, f"REPLICAOF 127.0.0.1 {pick_free_port()}")
        await node.cache.put({"a": b"1"}, ttl=LONG)
        await until(lambda: not node.up and any("read only" in str(line.get("cause")) for line in lines))
        await command(redis_server, "REPLICAOF NO ONE")
        await node.ready()

    assert lines[-1]["event"] == "Redis is back"


async def test_tls_works_with_the_right_ca(cluster, tmp_path):
    certificates = make_certificates(tmp_path / "tls")
    with RedisServer(tmp_path / "redis", tls=certificates) as server:
        node = await (await cluster.node(server.url, ca=certificates.ca)).ready()
        await node.cache.put({"a": b"1"}, ttl=LONG)

        assert await node.cache.find(["a"]) == {"a": b"1"}


async def what_is_said(cluster: Cluster, url: str, **options: object) -> str:
    """The one line about a Redis that is not to be had; the cache works all the same."""
    with capture_logs() as lines:
        node = await cluster.node(url, **options)
        assert await node.cache.hit("user:1", per_second=1)
        assert (node.up, await node.cache.find(["a"])) == (False, {})
    assert [(line["log_level"], line["event"]) for line in lines] == [
        ("warning", "Redis is away; this node goes on for itself")
    ]
    return str(lines[0]["cause"])


async def test_a_wrong_password_is_said(cluster, redis_server):
    url = redis_server.url.replace("redis-tests-alone", "wrong")

    assert await what_is_said(cluster, url) == "it refuses the user or the password"


async def test_a_missing_password_is_said(cluster, redis_server):
    url = f"redis://127.0.0.1:{redis_server.port}"

    assert await what_is_said(cluster, url) == "it refuses the user or the password"


async def test_an_unknown_user_is_said(cluster, redis_server):
    url = redis_server.url.replace(":redis-tests-alone", "nobody:redis-tests-alone")

    assert await what_is_said(cluster, url) == "it refuses the user or the password"


async def test_a_port_where_nobody_listens_is_said(cluster):
    said = await what_is_said(cluster, f"redis://127.0.0.1:{pick_free_port()}/0")

    assert "Connect call failed" in said or "onnection refused" in said


async def test_a_name_that_does_not_exist_is_said(cluster):
    assert "not known" in await what_is_said(cluster, "redis://redis.invalid:6379/0")


async def test_tls_where_there_is_none_is_said(cluster, redis_server):
    url = redis_server.url.replace("redis://", "rediss://")

    assert await what_is_said(cluster, url) == "it does not answer; does it speak TLS? redis:// is without"


async def test_no_tls_where_there_is_is_said(cluster, tmp_path):
    with RedisServer(tmp_path / "redis", tls=make_certificates(tmp_path / "tls")) as server:
        said = await what_is_said(cluster, server.url.replace("rediss://", "redis://"))

    assert said == "it closes the connection; if it wants TLS, write rediss://"


async def test_a_certificate_of_another_ca_is_said(cluster, tmp_path):
    with RedisServer(tmp_path / "redis", tls=make_certificates(tmp_path / "tls")) as server:
        said = await what_is_said(cluster, server.url, ca=make_certificates(tmp_path / "other").ca)

    assert said.startswith("its certificate is not trusted")


async def test_a_ca_file_that_is_not_there_is_said(cluster, tmp_path):
    said = await what_is_said(cluster, "rediss://127.0.0.1:1/0", ca=tmp_path / "ca.pem")

    assert said == "there is no such file as redis_ca names"


async def test_a_ca_file_without_a_certificate_is_said(cluster, tmp_path):
    (tmp_path / "ca.pem").write_text("hello")
    said = await what_is_said(cluster, "rediss://127.0.0.1:1/0", ca=tmp_path / "ca.pem")

    assert said == "TLS with it fails: no certificate or crl found"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "what answers there is not a Redis"),
        (b"\x4a\x00\x00\x00\x0a8.0.11\x00", "what answers there is not a Redis"),
        (b"-ERR unknown command\r\n" * 3, "unknown command"),
        (b"", "it does not answer"),
    ],
)
async def test_a_server_that_is_no_redis_is_said(cluster, answer, words):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        said = await what_is_said(cluster, f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")

    assert said == words


async def test_a_redis_that_is_full_refuses_and_is_done_without(cluster, tmp_path):
    with RedisServer(tmp_path / "redis", settings=("--maxmemory", "1", "--maxmemory-policy", "noeviction")) as server:
        said = await what_is_said(cluster, server.url)

    assert "maxmemory" in said


async def flush(server: RedisServer) -> None:
    await command(server, "FLUSHALL")


async def command(server: RedisServer, line: str) -> None:
    """Tell Redis something as an operator does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    password = server.url.split(":")[2].split("@")[0]
    writer.write(f"AUTH {password}\r\n{line}\r\n".encode())
    answers = [await reader.readline() for _ in range(2)]
    writer.close()
    assert answers[0] == b"+OK\r\n", answers
    assert not answers[1].startswith(b"-"), answers


def escaped(server: RedisServer, user: RedisUser) -> str:
    return f"redis://{user.name}:p%3Aw%2F%25x%40@127.0.0.1:{server.port}/0"
