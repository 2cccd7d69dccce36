"""The relay in front of a small echoing server that speaks just enough of a COMMIT."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from rig.proxy import Proxy, Way

COMMIT = b"\x07\x00\x00\x00\x03COMMIT"
WRITE = b"\x09\x00\x00\x00\x03UPDATE word"
READ = b"\x09\x00\x00\x00\x03SELECT word FOR UPDATE"


@pytest.fixture
async def received() -> list[bytes]:
    return []


@pytest.fixture
async def proxy(received: list[bytes]) -> AsyncIterator[Proxy]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(4096):
            received.append(chunk)
            writer.write(chunk)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    proxy = Proxy("127.0.0.1", server.sockets[0].getsockname()[1])
    await proxy.start()
    yield proxy
    await proxy.close()
    server.close()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def connect(cls, proxy: Proxy) -> "Client":
        return cls(*await asyncio.open_connection("127.0.0.1", proxy.port))

    async def ask(self, message: bytes, *, wait_seconds: float = 5.0) -> bytes:
        """The echo; empty when the connection is over."""
        self._writer.write(message)
        try:
            return await asyncio.wait_for(self._reader.read(4096), wait_seconds)
        except ConnectionError:
            return b""


async def test_bytes_pass_in_both_directions(proxy: Proxy) -> None:
    client = await Client.connect(proxy)
    assert await client.ask(b"hello") == b"hello"


async def test_a_cut_ends_open_connections_and_refuses_new_ones(proxy: Proxy) -> None:
    client = await Client.connect(proxy)
    await client.ask(b"hello")
    await proxy.cut()
    assert await client.ask(b"again") == b""
    with pytest.raises(ConnectionRefusedError):
        await Client.connect(proxy)


async def test_after_healing_the_same_port_serves_again(proxy: Proxy) -> None:
    port = proxy.port
    await proxy.cut()
    await proxy.heal()
    client = await Client.connect(proxy)
    assert proxy.port == port
    assert await client.ask(b"hello") == b"hello"


async def test_refusing_leaves_open_connections_alone(proxy: Proxy) -> None:
    client = await Client.connect(proxy)
    await client.ask(b"hello")
    await proxy.refuse()
    assert await client.ask(b"still") == b"still"


async def test_a_stalled_relay_delivers_only_after_healing(proxy: Proxy, received: list[bytes]) -> None:
    client = await Client.connect(proxy)
    await client.ask(b"hello")
    proxy.stall()
    with pytest.raises(TimeoutError):
        await client.ask(b"late", wait_seconds=0.2)
    assert received == [b"hello"]
    await proxy.heal()
    assert await client.ask(b"") == b"late"


async def test_what_is_stalled_on_its_way_down_has_arrived_above(proxy: Proxy, received: list[bytes]) -> None:
    client = await Client.connect(proxy)
    await client.ask(b"hello")
    proxy.stall(Way.DOWN)
    with pytest.raises(TimeoutError):
        await client.ask(b"asked", wait_seconds=0.2)
    assert received == [b"hello", b"asked"]
    await proxy.heal()
    assert await client.ask(b"") == b"asked"


async def test_a_connection_is_reset_after_so_many_bytes(proxy: Proxy) -> None:
    client = await Client.connect(proxy)
    proxy.reset_after(25)
    assert await client.ask(b"0123456789") == b"0123456789"
    assert await client.ask(b"0123456789") == b""
    assert proxy.resets >= 1


async def test_a_commit_reaches_the_server_but_its_answer_is_cut_away(proxy: Proxy, received: list[bytes]) -> None:
    client = await Client.connect(proxy)
    proxy.swallow_commits(1)
    await client.ask(WRITE)
    assert await client.ask(COMMIT) == b""
    assert received == [WRITE, COMMIT]
    assert proxy.swallowed == 1


async def test_the_commit_of_what_wrote_nothing_passes(proxy: Proxy) -> None:
    client = await Client.connect(proxy)
    await client.ask(WRITE)
    await client.ask(COMMIT)
    proxy.swallow_commits(1)
    await client.ask(READ)
    assert await client.ask(COMMIT) == COMMIT


async def test_only_commits_of_what_was_meant_are_swallowed(proxy: Proxy) -> None:
    client = await Client.connect(proxy)
    proxy.swallow_commits(1, saying=b"FOR UPDATE")
    await client.ask(WRITE)
    assert await client.ask(COMMIT) == COMMIT
    await client.ask(READ)
    await client.ask(WRITE)
    assert await client.ask(COMMIT) == b""


async def test_what_was_written_before_the_next_was_to_be_lost_does_not_count(proxy: Proxy) -> None:
    client = await Client.connect(proxy)
    proxy.swallow_commits(1)
    await client.ask(WRITE)
    proxy.swallow_commits(1)
    assert await client.ask(COMMIT) == COMMIT


async def test_only_as_many_commits_are_swallowed_as_asked(proxy: Proxy) -> None:
    proxy.swallow_commits(1)
    first, second = await Client.connect(proxy), await Client.connect(proxy)
    await first.ask(WRITE)
    await first.ask(COMMIT)
    await second.ask(WRITE)
    assert await second.ask(COMMIT) == COMMIT
