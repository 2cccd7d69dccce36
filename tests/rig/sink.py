"""The target of all calls: a fast HTTP server in a process of its own that misbehaves by script and logs what it saw.

The first segment of a path is the script: weighted words, joined by `-`, one group per attempt, joined by `.` (the
last group holds for all later attempts). `/ok80-error10-close10/x` misbehaves now and then; `/hang.ok/x` leaves the
first attempt without an answer. The seed fixes the order of the choices.

The log is append-only and has two kinds of lines, separated by tabs: `A` when a request is complete, `E` when the call
ended and how. What is not in the log did not happen.
"""

import argparse
import asyncio
import contextlib
import os
import random
import re
import signal
import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import httptools
import uvloop

FLUSH_SECONDS = 0.02
SLOW_SECONDS = (0.2, 1.5)
WORDS = ("ok", "error", "hang", "close", "slow")
ANSWERS = {
    200: b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok",
    500: b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nbroken",
}
HEADERS = (
    b"x-distributedjob-task",
    b"x-distributedjob-execution",
    b"x-distributedjob-attempt",
    b"x-distributedjob-fire-at",
    b"idempotency-key",
)


@dataclass(frozen=True, slots=True)
class Mix:
    words: tuple[str, ...]
    weights: tuple[int, ...]


@lru_cache(maxsize=1024)
def parse_script(path: str) -> tuple[Mix, ...]:
    """The groups of a path's first segment; raises ValueError for a word that does not exist."""
    groups = []
    for group in path.split("/")[1].split("."):
        parts = [re.fullmatch(r"([a-z]+)(\d*)", part) for part in group.split("-")]
        words = tuple(part[1] for part in parts if part)
        if len(words) != len(parts) or not set(words) <= set(WORDS):
            raise ValueError(f"'{group}' in {path}: words are {', '.join(WORDS)}, with weights as in ok80-error20")
        groups.append(Mix(words, tuple(int(part[2] or 1) for part in parts if part)))
    return tuple(groups)


def choose(path: str, *, attempt: int, chance: random.Random) -> str:
    groups = parse_script(path)
    mix = groups[min(max(attempt, 1), len(groups)) - 1]
    return mix.words[0] if len(mix.words) == 1 else chance.choices(mix.words, mix.weights)[0]


@dataclass(eq=False, slots=True)
class Log:
    """Lines gather for `FLUSH_SECONDS` and go out in one write."""

    descriptor: int
    loop: asyncio.AbstractEventLoop
    lines: list[str] = field(default_factory=list)

    def add(self, *fields: object) -> None:
        if not self.lines:
            self.loop.call_later(FLUSH_SECONDS, self.flush)
        self.lines.append("\t".join(map(str, fields)))

    def flush(self) -> None:
        if not self.lines:
            return
        block = ("\n".join(self.lines) + "\n").encode("latin-1")
        self.lines.clear()
        while block:
            block = block[os.write(self.descriptor, block) :]


@dataclass(eq=False, slots=True)
class Ground:
    """What all connections share."""

    log: Log
    chance: random.Random
    loop: asyncio.AbstractEventLoop
    calls: int = 0
    connections: int = 0


def _now() -> int:
    return time.time_ns() // 1000


class Caller(asyncio.Protocol):
    """One connection. Its calls end in exactly one `E` line, except those in the air when the sink is stopped."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        ground.connections += 1
        self._connection = ground.connections
        self._position = 0
        self._open: set[int] = set()
        self._transport: asyncio.Transport
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""
        self._headers: dict[bytes, bytes] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        for number in self._open:
            self._ground.log.add("E", number, _now(), "lost", "")
        self._open.clear()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_message_begin(self) -> None:
        self._path = b""
        self._headers = {}

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in HEADERS:
            self._headers[name] = value

    def on_message_complete(self) -> None:
        ground = self._ground
        ground.calls += 1
        self._position += 1
        number, path = ground.calls, self._path.decode("latin-1")
        task, execution, attempt, fire_at, key = (self._headers.get(name, b"").decode("latin-1") for name in HEADERS)
        behaviour = choose(path, attempt=int(attempt or 1), chance=ground.chance)
        method = self._parser.get_method().decode()
        ground.log.add(
            *("A", number, _now(), self._connection, self._position, method, path, behaviour),
            *(task, execution, attempt, fire_at, key),
        )
        self._open.add(number)
        self._behave(number, behaviour)

    def _behave(self, number: int, behaviour: str) -> None:
        match behaviour:
            case "ok":
                self._answer(number, 200)
            case "error":
                self._answer(number, 500)
            case "slow":
                self._ground.loop.call_later(self._ground.chance.uniform(*SLOW_SECONDS), self._answer, number, 200)
            case "close":
                self._end(number, "closed", "")
                self._transport.close()
            case _:
                pass  # hang: the caller's timeout has to end it

    def _answer(self, number: int, status: int) -> None:
        if number not in self._open or self._transport.is_closing():
            return
        # Logged before the write: an answer that the caller could have read must never be missing from the log.
        self._end(number, "answered", status)
        self._transport.write(ANSWERS[status])

    def _end(self, number: int, how: str, status: int | str) -> None:
        self._open.discard(number)
        self._ground.log.add("E", number, _now(), how, status)


async def serve(*, port: int, log: Path, seed: int) -> None:
    """Serve on loopback until SIGTERM; prints the port once it listens."""
    loop = asyncio.get_running_loop()
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    ground = Ground(log=Log(descriptor, loop), chance=random.Random(seed), loop=loop)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = await loop.create_server(lambda: Caller(ground), "127.0.0.1", port, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await stopped.wait()
    server.close()
    ground.log.flush()
    os.close(descriptor)


def main() -> None:
    arguments = argparse.ArgumentParser(description="HTTP target that misbehaves by script and logs what it saw")
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--log", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(serve(port=options.port, log=options.log, seed=options.seed))


if __name__ == "__main__":
    main()
