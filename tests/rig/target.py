"""The sink as a child process: started, and stopped so that its log is whole."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Target:
    child: asyncio.subprocess.Process
    port: int

    async def stop(self) -> None:
        if self.child.returncode is None:
            self.child.send_signal(signal.SIGTERM)
            await self.child.wait()


@asynccontextmanager
async def open_sink(log: Path, *, seed: int) -> AsyncIterator[Target]:
    command = (sys.executable, "-m", "rig.sink", "--log", str(log), "--seed", str(seed))
    child = await asyncio.create_subprocess_exec(*command, cwd=_TESTS, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    target = Target(child, int(await child.stdout.readline()))
    try:
        yield target
    finally:
        await target.stop()
