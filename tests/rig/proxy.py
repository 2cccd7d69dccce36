"""A TCP relay between one node and one server, which can delay, stall in one direction, cut, refuse and reset.

It knows one thing of the MySQL protocol: what the COMMIT of a transaction that wrote something looks like, so that the
connection can be cut after the server has committed and before the client hears of it: the moment at which a client
cannot know what happened.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Coroutine
from dataclasses import dataclass, field
from enum import Enum

_COMMIT = b"\x07\x00\x00\x00\x03COMMIT"
_ENDS = (_COMMIT, b"\x03ROLLBACK")
_WRITES = (b"\x03INSERT ", b"\x03UPDATE ", b"\x03DELETE ")
_CHUNK = 1 << 16
_AT_ONCE = struct.pack("ii", 1, 0)


class Way(Enum):
    """A direction: from the client up to the server, or down."""

    UP = "up"
    DOWN = "down"


BOTH = (Way.UP, Way.DOWN)


@dataclass(eq=False, slots=True)
class _Link:
    """One client connection with its way to the server."""

    down: asyncio.StreamWriter
    up: asyncio.StreamWriter
    doomed: bool = False
    """A COMMIT is on its way up; its answer must not come down."""
    said: bytes = b""
    """In the transaction that is open, since one was to be lost."""
    passed: int = 0

    def abort(self) -> None:
        for writer in (self.down, self.up):
            writer.transport.abort()

    def reset(self) -> None:
        """End it by RST, as a firewall that forgot the connection."""
        for writer in (self.down, self.up):
            endpoint = writer.get_extra_info("socket")
            if endpoint is not None and endpoint.fileno() >= 0:
                endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self.abort()


@dataclass(eq=False)
class Proxy:
    """Relays `port` (chosen by the system at `start` unless given) to `host:upstream`."""

    host: str
    upstream: int
    port: int = 0
    delay_seconds: float = 0.0
    swallowed: int = 0
    """Answers to a COMMIT that were cut away, so far."""
    resets: int = 0
    _armed: int = 0
    _saying: bytes = b""
    _reset_after: int | None = None
    _links: set[_Link] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _flow: dict[Way, asyncio.Event] = field(default_factory=lambda: {way: asyncio.Event() for way in BOTH})
    _server: asyncio.Server | None = None

    @property
    def connections(self) -> int:
        return len(self._links)

    async def start(self) -> None:
        self._open_flow()
        await self._listen()

    async def close(self) -> None:
        await self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def cut(self) -> None:
        """Break every connection and refuse new ones, until `heal`."""
        await self.refuse()
        for link in list(self._links):
            link.abort()

    async def refuse(self) -> None:
        """Refuse new connections and leave those that are open."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def stall(self, *ways: Way) -> None:
        """Let nothing through, in either direction or in those named, and break nothing: a network that drops packets.

        Nothing more is read either, so the sender's buffers fill.
        """
        for way in ways or BOTH:
            self._flow[way].clear()

    async def heal(self) -> None:
        self._open_flow()
        self.delay_seconds = 0.0
        self._armed = 0
        self._reset_after = None
        if self._server is None:
            await self._listen()

    def swallow_commits(self, count: int, *, saying: bytes = b"") -> None:
        """Break the connections of the next `count` transactions that wrote something, after the server has committed
        them; of those only that have `saying` in a statement."""
        self._armed, self._saying = count, saying
        for link in self._links:
            link.said = b""

    def reset_after(self, count: int) -> None:
        """Reset each connection as soon as `count` more bytes have passed, up and down together, until `heal`."""
        self._reset_after = count
        for link in self._links:
            link.passed = 0

    def _open_flow(self) -> None:
        for flow in self._flow.values():
            flow.set()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._relay(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # either side went away, or the leg is over
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upward, up = await asyncio.open_connection(self.host, self.upstream)
        link = _Link(down=writer, up=up)
        self._links.add(link)
        try:
            await _first_of(self._pump_up(reader, link), self._pump_down(upward, link))
        finally:
            self._links.discard(link)
            link.abort()

    async def _pump_up(self, reader: asyncio.StreamReader, link: _Link) -> None:
        while chunk := await reader.read(_CHUNK):
            await self._pass(Way.UP)
            if self._armed and self._is_meant(link, chunk):
                self._armed -= 1
                link.doomed = True
            link.up.write(chunk)
            await link.up.drain()
            self._count(link, chunk)

    def _is_meant(self, link: _Link, chunk: bytes) -> bool:
        """Whether this is the COMMIT to lose."""
        link.said += chunk
        if not any(end in chunk for end in _ENDS):
            return False
        said, link.said = link.said, b""
        return _COMMIT in chunk and self._saying in said and any(word in said for word in _WRITES)

    async def _pump_down(self, reader: asyncio.StreamReader, link: _Link) -> None:
        while chunk := await reader.read(_CHUNK):
            await self._pass(Way.DOWN)
            if link.doomed:
                self.swallowed += 1
                return
            link.down.write(chunk)
            await link.down.drain()
            self._count(link, chunk)

    async def _pass(self, way: Way) -> None:
        await self._flow[way].wait()
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)

    def _count(self, link: _Link, chunk: bytes) -> None:
        link.passed += len(chunk)
        if self._reset_after is not None and link.passed >= self._reset_after:
            self.resets += 1
            link.reset()


async def _first_of(*pumps: Coroutine[None, None, None]) -> None:
    """Run until one direction ends; then the whole link is over."""
    tasks = [asyncio.ensure_future(pump) for pump in pumps]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(Exception):
            await asyncio.gather(*tasks, return_exceptions=True)
