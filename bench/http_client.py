"""What one HTTP call costs: the program's own exchange, aiohttp, and a floor.

`python -m bench.http_client [--calls N] [--rounds N]` starts the sink and, in each round, one child per client that
keeps 32 calls in the air on kept-alive connections, each a POST with the six headers that the worker adds. The floor
writes the same bytes and takes the first read for the answer: no pool, no parsing, no timeout. aiohttp is no
dependency; where it is not installed the table says so. Clients take turns, so that a busy machine is
unfair to all alike.
"""

import argparse
import asyncio
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from bench.sink import open_sink
from distributedjob.model.outcome import Answered
from distributedjob.model.target import HttpTarget
from distributedjob.targets.egress import EMBEDDED
from distributedjob.targets.http import HttpCaller
from distributedjob.targets.render import compile_target
from distributedjob.targets.request import Request
from distributedjob.targets.templates import RunVariables

IN_THE_AIR = 32
WARM_UP = 500
CONTENDERS = ("floor", "own", "aiohttp")
HEADERS = (
    ("Idempotency-Key", "5f4dcc3b5aa765d61d8327deb882cf99"),
    ("traceparent", "00-5f4dcc3b5aa765d61d8327deb882cf99-00f067aa0ba902b7-01"),
    ("X-DistributedJob-Execution", "7318349394477056"),
    ("X-DistributedJob-Attempt", "1"),
    ("X-DistributedJob-Fire-At", "2026-03-29T01:30:00Z"),
    ("X-DistributedJob-Task", "7318349394477057"),
)

Call = Callable[[], Awaitable[None]]
Measure = tuple[float, float]
"""Calls per second, and µs of CPU per call."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.http_client", description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=20_000, help="calls per round and client")
    parser.add_argument("--rounds", type=int, default=7, help="medians over the rounds are shown")
    parser.add_argument("--child", nargs=2, metavar=("CLIENT", "URL"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        name, url = arguments.child
        sys.stdout.write(json.dumps(uvloop.run(_child(name, url, calls=arguments.calls))))
        return
    with tempfile.TemporaryDirectory() as folder, open_sink(Path(folder)) as sink:
        results: dict[str, list[Measure]] = {name: [] for name in CONTENDERS if _is_there(name)}
        for _ in range(arguments.rounds):
            for name, measures in results.items():
                measures.append(_measure(name, f"{sink.url}1", calls=arguments.calls))
    _show(results)


def _is_there(name: str) -> bool:
    return name != "aiohttp" or importlib.util.find_spec("aiohttp") is not None


def _measure(name: str, url: str, *, calls: int) -> Measure:
    command = [sys.executable, "-m", "bench.http_client", "--calls", str(calls), "--child", name, url]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    rate, cost = json.loads(done.stdout)
    return rate, cost


def _show(results: dict[str, list[Measure]]) -> None:
    sys.stdout.write("| client | calls/s | CPU µs per call | least–most |\n| --- | --- | --- | --- |\n")
    for name in CONTENDERS:
        if name not in results:
            sys.stdout.write(f"| {name} | not installed | | |\n")
            continue
        rates, costs = zip(*results[name], strict=True)
        spread = f"{min(costs):.1f}–{max(costs):.1f}"
        sys.stdout.write(f"| {name} | {statistics.median(rates):,.0f} | {statistics.median(costs):.1f} | {spread} |\n")


async def _child(name: str, url: str, *, calls: int) -> Measure:
    async with asyncio.timeout(100):
        match name:
            case "floor":
                return await _measured([await _floor(url) for _ in range(IN_THE_AIR)], calls=calls)
            case "own":
                return await _own(url, calls=calls)
            case _:
                return await _aiohttp(url, calls=calls)


async def _measured(calls_in_the_air: list[Call], *, calls: int) -> Measure:
    await _round(calls_in_the_air, calls=WARM_UP)
    return await _round(calls_in_the_air, calls=calls)


async def _round(calls_in_the_air: list[Call], *, calls: int) -> Measure:
    left = calls

    async def run(call: Call) -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await call()

    began, cpu = time.perf_counter(), _cpu_seconds()
    async with asyncio.TaskGroup() as group:
        for call in calls_in_the_air:
            group.create_task(run(call))
    return calls / (time.perf_counter() - began), (_cpu_seconds() - cpu) / calls * 1e6


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class _Floor(asyncio.Protocol):
    def __init__(self) -> None:
        self._waiter: asyncio.Future[bytes] | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's are no subclass of asyncio's

    def send(self, message: bytes) -> asyncio.Future[bytes]:
        self._waiter = waiter = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        return waiter

    def data_received(self, data: bytes) -> None:
        if self._waiter is not None:
            self._waiter.set_result(data)


async def _floor(url: str) -> Call:
    parts = urlsplit(url)
    _, protocol = await asyncio.get_running_loop().create_connection(_Floor, parts.hostname, parts.port)
    lines = [f"POST {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Content-Length: 0"]
    message = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in HEADERS), "", ""]).encode()

    async def call() -> None:
        if not (await protocol.send(message)).startswith(b"HTTP/1.1 200"):
            raise RuntimeError("the sink did not answer with 200")

    return call


async def _own(url: str, *, calls: int) -> Measure:
    caller = HttpCaller(egress=EMBEDDED, user_agent="distributedjob-bench")
    target = compile_target(HttpTarget(url))

    async def call() -> None:
        request = target.request(RunVariables(1, "", 2, 1, 0, UTC, "", {}), headers=HEADERS)
        assert isinstance(request, Request), "a target without templates always renders"
        outcome = await caller.call(request, connect_timeout=5, total_timeout=60, last_look=_always)
        if not isinstance(outcome, Answered) or not outcome.accepted:
            raise RuntimeError(f"a call failed: {outcome}")

    try:
        return await _measured([call] * IN_THE_AIR, calls=calls)
    finally:
        await caller.close()


async def _aiohttp(url: str, *, calls: int) -> Measure:
    import aiohttp  # noqa: PLC0415 - no dependency of the program

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60), trust_env=False) as session:

        async def call() -> None:
            async with session.post(url, headers=HEADERS, allow_redirects=False) as response:
                await response.read()
                if response.status != 200:
                    raise RuntimeError(f"the sink answered {response.status}")

        return await _measured([call] * IN_THE_AIR, calls=calls)


def _always() -> bool:
    return True


if __name__ == "__main__":
    main()
