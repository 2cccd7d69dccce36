"""A target to call: a real HTTP server on loopback that logs each request and answers, delays, hangs or cuts by script.

It shares no code with the program and parses HTTP/1.1 by hand, so that it sees the bytes as they came.
Answers queued by `target.answers(...)` are used one per request, in order of arrival; then `target.default` holds.
A `rule` may be set instead, which chooses the answer from the request.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

_THREAD_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as it came. `path` has the query; header names are lower case, in order, repeats kept."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    arrived_at: int  # µs since the epoch, when the last byte of the head was read
    connection: int  # numbered from 1 by order of connecting

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name.lower()), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int = 200
    body: bytes = b"ok"
    headers: tuple[tuple[str, str], ...] = ()
    delay_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """These bytes in these pieces, `pause_seconds` apart, then the end: for broken or endless answers."""

    pieces: tuple[bytes, ...]
    pause_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Hang:
    """Never answer; the caller's timeout has to end it."""


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection without a byte of answer, as a server does with a kept-alive connection it gave up."""


Reply = Answer | Raw | Hang | Close


@dataclass(eq=False)
class HttpTarget:
    default: Reply = field(default_factory=Answer)
    rule: Callable[[Received], Reply] | None = None
    port: int = 0
    connections: int = 0
    _queued: deque[Reply] = field(default_factory=deque)
    _received: list[Received] = field(default_factory=list)
    _arrival: threading.Condition = field(default_factory=threading.Condition)
    _loop: asyncio.AbstractEventLoop | None = None
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _thread: threading.Thread | None = None

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def answers(self, *replies: Reply) -> None:
        """Queue replies for the next requests, one each."""
        with self._arrival:
            self._queued.extend(replies)

    @property
    def requests(self) -> list[Received]:
        """A copy of the log, in order of arrival."""
        with self._arrival:
            return list(self._received)

    def wait_for(self, count: int, *, timeout_seconds: float = 15.0) -> list[Received]:
        """Wait until `count` requests have come, and give all that came. Fails when the time is up."""
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self._received) >= count, timeout_seconds):
                pytest.fail(f"{len(self._received)} of {count} requests came in {timeout_seconds} s", pytrace=False)
            return list(self._received)

    def start(self) -> None:
        """Listen. After a `stop` it comes back on the same port, with its log kept."""
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), name="http-target", daemon=True)
        self._thread.start()
        if not ready.wait(_THREAD_SECONDS):
            pytest.fail(f"the HTTP target did not start on port {self.port}", pytrace=False)

    def stop(self) -> None:
        """Cut every connection and refuse new ones, from when this returns. Stopping twice is fine."""
        if self._thread is None or self._loop is None:
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_THREAD_SECONDS)
        self._thread = self._loop = None

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        calls: set[asyncio.Task[None]] = set()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            calls.add(task)
            try:
                await self._converse(reader, writer)
            except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass  # the caller went away, or the test is over
            finally:
                calls.discard(task)
                writer.close()

        server = await asyncio.start_server(accept, "127.0.0.1", self.port, limit=1 << 20, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stop.wait()
        server.close()
        for call in list(calls):
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = self.connections
        while True:
            request = await _read_request(reader, connection)
            if request is None or not await _reply(self._note(request), request, writer):
                return

    def _note(self, request: Received) -> Reply:
        with self._arrival:
            self._received.append(request)
            self._arrival.notify_all()
            if self.rule is not None:
                return self.rule(request)
            return self._queued.popleft() if self._queued else self.default


async def _read_request(reader: asyncio.StreamReader, connection: int) -> Received | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    arrived_at = time.time_ns() // 1000
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, path, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    headers = tuple((name.lower(), value.strip()) for name, _, value in pairs)
    body = await _read_body(reader, dict(headers))
    return Received(method=method, path=path, headers=headers, body=body, arrived_at=arrived_at, connection=connection)


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return body


async def _reply(reply: Reply, request: Received, writer: asyncio.StreamWriter) -> bool:
    """Do what the script says; true when the connection may serve another request."""
    match reply:
        case Answer():
            await asyncio.sleep(reply.delay_seconds)
            writer.write(_answer_bytes(reply, request.method))
            await writer.drain()
            return request.header("connection") != "close"
        case Raw():
            for piece in reply.pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(reply.pause_seconds)
            return False
        case Hang():
            await asyncio.Event().wait()
            return False
        case Close():
            return False


def _answer_bytes(answer: Answer, method: str) -> bytes:
    bodiless = answer.status in {204, 304}
    lines = [f"HTTP/1.1 {answer.status} Scripted", *(f"{name}: {value}" for name, value in answer.headers)]
    if not bodiless:
        lines.append(f"Content-Length: {len(answer.body)}")
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return head if bodiless or method == "HEAD" else head + answer.body


@pytest.fixture
def start_target() -> Iterator[Callable[[], HttpTarget]]:
    """Start as many targets as the test asks for."""
    started: list[HttpTarget] = []

    def start() -> HttpTarget:
        target = HttpTarget()
        started.append(target)
        target.start()
        return target

    yield start
    for target in started:
        target.stop()


@pytest.fixture
def http_target(start_target: Callable[[], HttpTarget]) -> HttpTarget:
    return start_target()
