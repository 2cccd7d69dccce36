"""The least that any scheduler in this language pays: a timer, the program's own HTTP client, nothing durable.

It makes the calls of a load to the same sink with the same headers, in a child of its own like the program. What
the program adds to these figures is the price of recording, claiming and keeping results.
"""

import argparse
import asyncio
import subprocess
import sys
import time
from zoneinfo import ZoneInfo

import uvloop

from bench.arrivals import Fire
from bench.load import Load
from distributedjob.model.instant import SECOND, to_rfc3339
from distributedjob.model.outcome import Answered
from distributedjob.model.target import HttpTarget
from distributedjob.targets.egress import EMBEDDED
from distributedjob.targets.http import HttpCaller
from distributedjob.targets.render import compile_target
from distributedjob.targets.request import Request
from distributedjob.targets.templates import RunVariables

RUNNERS = 256
"""Calls in the air at once, as in the program."""
GRACE_SECONDS = 20
UTC = ZoneInfo("UTC")


def run_floor(load: Load, *, sink_url: str, seconds: float) -> None:
    """Make the load's calls from its first fire on for `seconds`, in a child, and wait for its end."""
    numbers = (load.tasks, load.first_at, load.every, load.spread)
    command = [sys.executable, "-m", "bench.floor", sink_url, str(seconds), *map(str, numbers)]
    subprocess.run(command, check=True, timeout=seconds + 2 * GRACE_SECONDS)


def calls_per_second(*, sink_url: str, seconds: float) -> float:
    """How many calls one loop makes when it does nothing else: a closed loop over `RUNNERS` calls in the air."""
    command = [sys.executable, "-m", "bench.floor", sink_url, str(seconds)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds + 2 * GRACE_SECONDS)
    return float(done.stdout)


class _Caller:
    def __init__(self, sink_url: str, *, tasks: int) -> None:
        self._http = HttpCaller(egress=EMBEDDED, user_agent="distributedjob-bench")
        self._targets = [compile_target(HttpTarget(f"{sink_url}{number}")) for number in range(tasks)]
        self.made = 0

    async def call(self, fire: Fire) -> None:
        number, fire_at = fire
        target = self._targets[number]
        self.made += 1
        headers = (
            ("X-DistributedJob-Execution", str(self.made)),
            ("X-DistributedJob-Attempt", "1"),
            ("X-DistributedJob-Fire-At", to_rfc3339(fire_at)),
        )
        request = target.request(RunVariables(number, "", self.made, 1, fire_at, UTC, "", {}), headers=headers)
        assert isinstance(request, Request), "a target without templates always renders"
        match await self._http.call(request, connect_timeout=5, total_timeout=60, last_look=_always):
            case Answered(accepted=True):
                return
            case fault:
                raise RuntimeError(f"the floor's own call failed: {fault}")


def _always() -> bool:
    return True


async def _timed(caller: _Caller, load: Load, seconds: float) -> None:
    """A fixed pool of runners reads a queue that one timer fills, fire by fire."""
    fires = sorted(load.fires(load.first_at, load.first_at + round(seconds * SECOND)), key=lambda fire: fire[1])
    queue: asyncio.Queue[Fire | None] = asyncio.Queue()

    async def run() -> None:
        while (fire := await queue.get()) is not None:
            await caller.call(fire)

    async with asyncio.timeout(seconds + GRACE_SECONDS), asyncio.TaskGroup() as group:
        for _ in range(RUNNERS):
            group.create_task(run())
        for fire in fires:
            if (wait := fire[1] / SECOND - time.time()) > 0:
                await asyncio.sleep(wait)
            queue.put_nowait(fire)
        for _ in range(RUNNERS):
            queue.put_nowait(None)


async def _closed(caller: _Caller, seconds: float) -> float:
    began = time.monotonic()

    async def run(number: int) -> None:
        while time.monotonic() < began + seconds:
            await caller.call((number, time.time_ns() // 1_000))

    async with asyncio.TaskGroup() as group:
        for number in range(RUNNERS):
            group.create_task(run(number))
    return caller.made / (time.monotonic() - began)


async def _main(sink_url: str, seconds: float, load: Load | None) -> None:
    caller = _Caller(sink_url, tasks=load.tasks if load else RUNNERS)
    if load is None:
        sys.stdout.write(f"{await _closed(caller, seconds)}\n")
    else:
        await _timed(caller, load, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sink_url")
    parser.add_argument("seconds", type=float)
    parser.add_argument("load", type=int, nargs="*", help="tasks first_at every spread; none: as fast as it goes")
    arguments = parser.parse_args()
    load = Load(*arguments.load) if arguments.load else None
    uvloop.run(_main(arguments.sink_url, arguments.seconds, load))


if __name__ == "__main__":
    main()
