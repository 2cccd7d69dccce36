"""A fast HTTP target that notes every arrival, in a child of its own so that its work never sits in the caller's loop.

It answers 200 with two bytes at once and writes one fixed-size record per request to a file: cheap enough (about 10 µs
a request) that on two cores the program under test, not the sink, is what a figure measures. The path is `/t/<number>`,
the number of the task in the load; `/slow/<number>` is answered after 100 ms.
"""

import argparse
import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httptools
import uvloop

from bench.arrivals import RECORD, ArrivalLog
from bench.ports import pick_free_port

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
FLUSH_SECONDS = 0.05
BACKLOG = 4096
SLOW_PATH = b"/slow/"
SLOW_SECONDS = 0.1


class _Log:
    """Arrivals in memory, appended to the file every `FLUSH_SECONDS`, so that no request waits for the disk."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self._pending = bytearray()
        self._known = (b"", 0)

    def note(self, arrived_ns: int, *, fire_at: bytes, execution: bytes, task: bytes, attempt: bytes) -> None:
        self._pending += RECORD.pack(
            arrived_ns, self._instant(fire_at), int(execution or 0), int(task or 0), int(attempt or 0)
        )

    def flush(self) -> None:
        if self._pending:
            self._file.write(self._pending)
            self._pending.clear()

    def _instant(self, text: bytes) -> int:
        # Neighbours often share their fire time, so the last one read is kept.
        if text != self._known[0]:
            moment = datetime.fromisoformat(text.decode("ascii"))
            self._known = (text, round(moment.timestamp() * 1_000_000))
        return self._known[1]


class _Connection(asyncio.Protocol):
    __slots__ = ("_attempt", "_execution", "_fire_at", "_log", "_parser", "_path", "_transport")

    def __init__(self, log: _Log) -> None:
        self._log = log
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's are no subclass of asyncio's

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.abort()

    def on_message_begin(self) -> None:
        self._fire_at = self._execution = self._attempt = b""

    def on_url(self, url: bytes) -> None:
        self._path = url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name[:2] not in (b"x-", b"X-"):
            return
        match name.lower():
            case b"x-distributedjob-fire-at":
                self._fire_at = value
            case b"x-distributedjob-execution":
                self._execution = value
            case b"x-distributedjob-attempt":
                self._attempt = value

    def on_message_complete(self) -> None:
        now = time.time_ns()
        if self._path.startswith(SLOW_PATH):
            asyncio.get_running_loop().call_later(SLOW_SECONDS, self._answer)
        else:
            self._answer()
        task = self._path.rpartition(b"/")[2]
        self._log.note(now, fire_at=self._fire_at, execution=self._execution, task=task, attempt=self._attempt)

    def _answer(self) -> None:
        if not self._transport.is_closing():  # whoever called may have been killed
            self._transport.write(ANSWER)


class Sink:
    """A running sink as its starter sees it."""

    def __init__(self, child: subprocess.Popen[bytes], *, port: int, log: ArrivalLog) -> None:
        self.pid = child.pid
        self.port = port
        self.url = f"http://127.0.0.1:{port}/t/"
        self.slow_url = f"http://127.0.0.1:{port}{SLOW_PATH.decode()}"
        self.log = log


@contextlib.contextmanager
def open_sink(folder: Path) -> Iterator[Sink]:
    """Start a sink that logs to `folder`/arrivals.bin, and end it afterwards."""
    port, path = pick_free_port(), folder / "arrivals.bin"
    command = [sys.executable, "-m", "bench.sink", "--port", str(port), "--log", str(path)]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        _wait_until_listening(port, child)
        yield Sink(child, port=port, log=ArrivalLog(path))
    finally:
        child.terminate()
        child.wait(10)


def _wait_until_listening(port: int, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if child.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the sink did not start on port {port}")
        time.sleep(0.02)


async def _serve(port: int, path: Path) -> None:
    loop = asyncio.get_running_loop()
    log = _Log(path)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await loop.create_server(lambda: _Connection(log), "127.0.0.1", port, backlog=BACKLOG)
    while not ended.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), FLUSH_SECONDS)
        log.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True)
    arguments = parser.parse_args()
    uvloop.run(_serve(arguments.port, arguments.log))


if __name__ == "__main__":
    main()
