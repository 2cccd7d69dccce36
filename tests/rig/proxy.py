"""A TCP relay in front of a database server, one per node, that can delay, stall, cut and refuse.

It knows one thing of the MySQL protocol: what a COMMIT looks like, so that the connection can be cut after the server
has committed and before the client hears of it: the moment at which a client cannot know what happened.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass, field

_COMMIT = b"\x07\x00\x00\x00\x03COMMIT"
_CHUNK = 1 << 16


@dataclass(eq=False, slots=True)
class _Link:
    """One client connection with its way to the server."""

    down: asyncio.StreamWriter
    up: asyncio.StreamWriter
    doomed: bool = False
    """A COMMIT is on its way up; its answer must not come down."""

    def abort(self) -> None:
        for writer in (self.down, self.up):
            writer.transport.abort()


@dataclass(eq=False)
class Proxy:
    """Relays `port` (chosen by the system at `start`) to `host:upstream`."""

    host: str
    upstream: int
    port: int = 0
    delay_seconds: float = 0.0
    swallowed: int = 0
    """Answers to a COMMIT that were cut away, so far."""
    _armed: int = 0
    _links: set[_Link] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _flow: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        self._flow.set()
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

    def stall(self) -> None:
        """Let nothing through in either direction and break nothing, as a network that drops every packet."""
        self._flow.clear()

    async def heal(self) -> None:
        self._flow.set()
        self.delay_seconds = 0.0
        self._armed = 0
        if self._server is None:
            await self._listen()

    def swallow_commits(self, count: int) -> None:
        """Break the connections of the next `count` COMMITs after the server has committed."""
        self._armed = count

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
            await self._pass()
            if self._armed and _COMMIT in chunk:
                self._armed -= 1
                link.doomed = True
            link.up.write(chunk)
            await link.up.drain()

    async def _pump_down(self, reader: asyncio.StreamReader, link: _Link) -> None:
        while chunk := await reader.read(_CHUNK):
            await self._pass()
            if link.doomed:
                self.swallowed += 1
                return
            link.down.write(chunk)
            await link.down.drain()

    async def _pass(self) -> None:
        await self._flow.wait()
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)


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
