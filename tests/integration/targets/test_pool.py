"""Connections at rest: how long, how many, and what ends them."""

import asyncio
from datetime import timedelta

from distributedjob.targets.limits import Limits

from .conftest import answer_all, answering


async def test_a_connection_that_rests_too_long_is_closed(serve, open_client):
    wire = await serve(answer_all)
    client = open_client(limits=Limits(idle=timedelta(milliseconds=50)))

    await client.call(wire.url)

    await wire.until(lambda: wire.closed == 1)


async def test_a_server_that_keeps_connections_briefly_is_believed(serve, client):
    wire = await serve(answering(b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1, max=5\r\nContent-Length: 0\r\n\r\n"))

    for _ in range(2):
        await client.call(wire.url)

    assert wire.connections == 2


async def test_no_more_connections_rest_than_allowed(serve, open_client):
    together = asyncio.Barrier(4)

    async def script(visit):
        while True:
            await visit.request()
            await together.wait()
            await visit.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    wire = await serve(script)
    client = open_client(limits=Limits(idle_connections=2))

    await asyncio.gather(*(client.call(wire.url) for _ in range(4)))

    await wire.until(lambda: wire.closed == 2)
    assert wire.connections == 4


async def test_a_name_that_is_looked_up_again_keeps_its_connection(serve, open_client):
    wire = await serve(answer_all)

    async def loopback(host, port):
        return ("127.0.0.1",)

    client = open_client(lookup=loopback, limits=Limits(names_cached=timedelta(0)))
    for _ in range(3):
        await client.call(f"http://name.example:{wire.port}/")

    assert wire.connections == 1


async def test_closing_the_caller_closes_what_rests(serve, open_client):
    wire = await serve(answer_all)
    client = open_client()
    await client.call(wire.url)

    await client.caller.close()

    await wire.until(lambda: wire.closed == 1)


async def test_a_call_that_ends_after_closing_leaves_no_connection(serve, open_client):
    arrived, go = asyncio.Event(), asyncio.Event()

    async def slow(visit):
        await visit.request()
        arrived.set()
        await go.wait()
        await visit.send(b"HTTP/1.1 204 No Content\r\n\r\n")
        await visit.until_closed()

    wire = await serve(slow)
    client = open_client()
    call = asyncio.create_task(client.call(wire.url))
    await arrived.wait()

    await client.caller.close()
    go.set()
    await call

    await wire.until(lambda: wire.closed == 1)
