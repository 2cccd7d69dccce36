"""Whatever way a call ends, no socket and no task stays behind."""

import asyncio
import os
import socket
import stat
from pathlib import Path

import pytest

from distributedjob.model.target import HttpMethod, HttpTarget, Tls
from distributedjob.targets.http import Line

from .certificates import Authority
from .conftest import PATIENCE, answer_all, answering_once, hang

ROUNDS = 10


def sockets() -> int:
    """How many sockets this process has open."""
    kinds = (os.fstat(int(entry.name)).st_mode for entry in Path("/proc/self/fd").iterdir() if entry.exists())
    return sum(map(stat.S_ISSOCK, kinds))


async def settled(before: int) -> None:
    """Wait until no more sockets are open than before."""
    async with asyncio.timeout(PATIENCE):
        while sockets() > before:
            await asyncio.sleep(0)


async def silent(visit):
    await visit.until_closed()


@pytest.mark.parametrize("line", list(Line))
@pytest.mark.parametrize(
    "script",
    [
        pytest.param(answer_all, id="answered"),
        pytest.param(answering_once(b""), id="lost"),
        pytest.param(answering_once(b"garbage\r\n\r\n"), id="garbage"),
        pytest.param(hang, id="timeout"),
    ],
)
async def test_no_socket_is_left_by_calls_that_end(serve, open_client, script, line):
    wire = await serve(script)
    before = sockets()
    client = open_client()

    await asyncio.gather(*(client.call(wire.url, total_timeout=0.2, line=line) for _ in range(ROUNDS)))
    await client.caller.close()

    await settled(before)


async def test_no_socket_is_left_by_handshakes_that_fail(serve, open_client, tmp_path):
    wire = await serve(answer_all, tls=Authority(tmp_path).server("127.0.0.1"))
    before = sockets()
    client = open_client()
    target = HttpTarget(f"https://127.0.0.1:{wire.port}/", HttpMethod.GET)

    await asyncio.gather(*(client.call(target) for _ in range(ROUNDS)))

    await settled(before)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_no_socket_is_left_by_calls_cancelled_at_any_moment(serve, open_client, scheme):
    wire = await serve(silent)
    before = sockets()
    client = open_client()
    target = HttpTarget(f"{scheme}://127.0.0.1:{wire.port}/", HttpMethod.GET, tls=Tls(verify=False))

    for steps in range(20):
        call = asyncio.create_task(client.call(target))
        for _ in range(steps):
            await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    await settled(before)


async def test_no_socket_is_left_by_a_connect_that_is_cancelled(open_client):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        before = sockets()
        client = open_client()
        url = f"http://127.0.0.1:{full.getsockname()[1]}/"
        calls = [asyncio.create_task(client.call(url)) for _ in range(ROUNDS)]
        while sockets() < before + ROUNDS:
            await asyncio.sleep(0)

        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

        await settled(before)


async def test_a_cancelled_call_is_no_longer_watched_for_its_timeout(serve, client):
    arrived = asyncio.Event()

    async def never(visit):
        await visit.request()
        arrived.set()
        await visit.until_closed()

    wire = await serve(never)
    watched = client.caller._dialler._deadlines
    call = asyncio.create_task(client.call(wire.url, total_timeout=86_400.0))
    await arrived.wait()
    assert len(watched) == 1

    call.cancel()
    await asyncio.gather(call, return_exceptions=True)

    assert len(watched) == 0


async def test_no_task_is_left_when_the_caller_closes_during_a_look_up(open_client):
    async def stuck(host, port):
        await asyncio.Event().wait()

    client = open_client(lookup=stuck)
    call = asyncio.create_task(client.call("http://slow.example/"))
    for _ in range(5):
        await asyncio.sleep(0)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)

    await client.caller.close()

    assert asyncio.all_tasks() == {asyncio.current_task()}
