"""Real servers on loopback that do what a script says, byte by byte, under the loop the program runs on."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC

import pytest
import pytest_asyncio
import uvloop

from distributedjob.model.outcome import NotSent, Outcome
from distributedjob.model.target import HttpMethod, HttpTarget
from distributedjob.targets.egress import EMBEDDED, EgressPolicy
from distributedjob.targets.http import HttpCaller, Line
from distributedjob.targets.limits import Limits
from distributedjob.targets.render import compile_target
from distributedjob.targets.request import Request
from distributedjob.targets.resolve import Lookup, system_lookup
from distributedjob.targets.templates import RunVariables

PATIENCE = 10.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Script = Callable[["Visit"], Awaitable[None]]


def pytest_asyncio_loop_factories(config, item):
    return {"uvloop": uvloop.new_event_loop}


@dataclass
class Visit:
    """One connection as the server sees it. `number` counts from 1; `requests` are the raw heads with their bodies."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    requests: list[bytes]

    async def request(self) -> bytes:
        """Read one whole request; IncompleteReadError when the caller closes instead."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        message = head + await self.reader.readexactly(length)
        self.requests.append(message)
        return message

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def until_closed(self) -> None:
        while await self.reader.read(65536):
            pass


@dataclass
class Wire:
    """A listening server: its port and everything that came."""

    port: int = 0
    connections: int = 0
    closed: int = 0
    requests: list[bytes] = field(default_factory=list)
    change: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to hold about this server; checked whenever a connection opens or closes."""
        async with asyncio.timeout(PATIENCE), self.change:
            await self.change.wait_for(condition)

    async def noted(self) -> None:
        async with self.change:
            self.change.notify_all()


async def answer_all(visit: Visit) -> None:
    """Answer every request with 200 and two bytes, as long as the caller wants."""
    while True:
        await visit.request()
        await visit.send(OK)


def answering(*pieces: bytes) -> Script:
    """Answer every request with these bytes."""

    async def script(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.send(*pieces)

    return script


def answering_once(*pieces: bytes) -> Script:
    """Answer one request with these bytes and close."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(*pieces)

    return script


async def hang(visit: Visit) -> None:
    await visit.request()
    await visit.until_closed()


Start = Callable[..., Awaitable[Wire]]


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Start]:
    """`await serve(script, host=..., port=..., tls=..., receive_buffer=...)` starts a server; all end with the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(script: Script, *, host="127.0.0.1", port=0, tls=None, receive_buffer=None) -> Wire:
            listener = _listen(host, port, receive_buffer)
            return await stack.enter_async_context(_serving(script, listener, tls=tls))

        yield start


def _listen(host: str, port: int, receive_buffer: int | None) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    if receive_buffer is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


@contextlib.asynccontextmanager
async def _serving(script: Script, listener: socket.socket, *, tls: ssl.SSLContext | None) -> AsyncIterator[Wire]:
    wire = Wire()
    running: set[asyncio.Task] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.add(asyncio.current_task())
        wire.connections += 1
        await wire.noted()
        try:
            await script(Visit(wire.connections, reader, writer, wire.requests))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the caller went away, or the test is over
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            wire.closed += 1
            running.discard(asyncio.current_task())
            await wire.noted()

    server = await asyncio.start_server(accept, sock=listener, ssl=tls, limit=1 << 20)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


@dataclass
class Client:
    """A caller with short ways to call."""

    caller: HttpCaller

    async def call(self, target: str | HttpTarget | Request, **terms: object) -> Outcome:
        """Call a URL (GET), a target or a request, with generous timeouts unless told otherwise."""
        request = target if isinstance(target, Request) else rendered(target)
        if isinstance(request, NotSent):
            return request
        settings = {"connect_timeout": 5.0, "total_timeout": 10.0, "last_look": lambda: True, "line": Line.ANY} | terms
        async with asyncio.timeout(PATIENCE * 2):
            return await self.caller.call(request, **settings)


def rendered(target: str | HttpTarget, **changes: object) -> Request | NotSent:
    if isinstance(target, str):
        target = HttpTarget(target, HttpMethod.GET)
    return compile_target(target).request(RUN._replace(**changes))


RUN = RunVariables(
    task_id=11,
    task_name="nightly report",
    execution_id=22,
    attempt=1,
    fire_at=1_774_747_800_000_000,
    zone=UTC,
    idempotency_key="key-1",
    params={},
)


@pytest_asyncio.fixture
async def open_client() -> AsyncIterator[Callable[..., Client]]:
    """`open_client(egress=..., lookup=..., limits=...)`; all close with the test."""
    opened: list[HttpCaller] = []

    def start(
        *, egress: EgressPolicy = EMBEDDED, lookup: Lookup = system_lookup, limits: Limits | None = None
    ) -> Client:
        caller = HttpCaller(egress=egress, user_agent="DistributedJob/test", limits=limits, lookup=lookup)
        opened.append(caller)
        return Client(caller)

    yield start
    for caller in opened:
        await caller.close()


@pytest.fixture
def client(open_client: Callable[..., Client]) -> Client:
    return open_client()
