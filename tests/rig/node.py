"""One node of the program: a real process that can be started, armed, killed, frozen and thawed."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

ADMIN_PASSWORD = "violet-otter-climbs-quietly-7"
REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY / "src"
READY_SECONDS = 30.0
STOP_SECONDS = 45.0
PROBE_SECONDS = 0.05
ALL_ROLES = frozenset({"api", "scheduler", "worker"})
_COMMAND = (sys.executable, "-c", "from distributedjob.cli.main import run; run()")


class NodeFailed(Exception):
    """The program did not do what an operator may expect of it; carries the end of its log."""


def now() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


@dataclass(eq=False)
class Node:
    """One process of the program on one data folder. `source` holds the package: ours, or a broken copy."""

    name: str
    data_dir: Path
    port: int
    settings: Mapping[str, str]
    source: Path = SOURCE
    roles: frozenset[str] = ALL_ROLES
    pids: list[int] = field(default_factory=list)
    _child: asyncio.subprocess.Process | None = None
    _log_begin: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.data_dir.parent / f"{self.name}.log"

    @property
    def has_api(self) -> bool:
        return "api" in self.roles

    @property
    def pid(self) -> int:
        """Of the latest start."""
        return self.pids[-1]

    @property
    def is_alive(self) -> bool:
        return self._child is not None and self._child.returncode is None

    async def start(self, *, crash_point: str | None = None) -> None:
        """Start without waiting; `crash_point` is `name:n`."""
        armed = {"DISTRIBUTEDJOB_CRASH_POINT": crash_point} if crash_point else {}
        arguments = ("serve", "--data-dir", str(self.data_dir), "--port", str(self.port))
        self._log_begin = self.log.stat().st_size if self.log.exists() else 0
        self._child = await self._run(*arguments, settings=armed)
        self.pids.append(self._child.pid)

    async def upgrade_database(self) -> None:
        """`db upgrade`, as an operator does before the first start on a server. Raises NodeFailed."""
        child = await self._run("db", "upgrade", settings={})
        if code := await asyncio.wait_for(child.wait(), READY_SECONDS):
            raise NodeFailed(f"db upgrade ended with {code}:\n{self.log_end()}")

    async def _run(self, *arguments: str, settings: Mapping[str, str]) -> asyncio.subprocess.Process:
        # The tester's own settings must not reach the program.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DISTRIBUTEDJOB_")}
        own = {
            "PYTHONPATH": os.pathsep.join(filter(None, (str(self.source), self.settings.get("PYTHONPATH")))),
            "DISTRIBUTEDJOB_ADMIN_PASSWORD": ADMIN_PASSWORD,
            "DISTRIBUTEDJOB_NODE_NAME": self.name,
            "DISTRIBUTEDJOB_ROLES": json.dumps(sorted(self.roles)),
        }
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(*_COMMAND, *arguments),
                env={**inherited, **self.settings, **own, **settings},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def wait_until_ready(self, *, seconds: float = READY_SECONDS) -> bool:
        """Wait for readiness; False when the process ended before, as an armed one may. Raises NodeFailed when late."""
        deadline = time.monotonic() + seconds
        async with httpx2.AsyncClient(trust_env=False, timeout=2) as client:
            while self.is_alive:
                try:
                    if (await client.get(f"{self.url}/v1/health/ready")).status_code == 200:
                        return True
                except httpx2.HTTPError:
                    if not self.has_api and self._says_ready():
                        return True
                if time.monotonic() > deadline:
                    raise NodeFailed(f"{self.name} is not ready after {seconds} s:\n{self.log_end()}")
                await asyncio.sleep(PROBE_SECONDS)
        return False

    def _says_ready(self) -> bool:
        return b'"ready"' in self.log.read_bytes()[self._log_begin :]

    async def wait_until_dead(self, *, seconds: float) -> bool:
        """Whether it ended by itself within that time."""
        if self._child is None:
            return True
        try:
            await asyncio.wait_for(self._child.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def kill(self) -> None:
        """SIGKILL; returns when the process is gone."""
        if self._child is not None and self.is_alive:
            self._child.kill()
            await self._child.wait()

    async def terminate(self) -> int:
        """SIGTERM; gives the exit code. Raises NodeFailed when the program does not end."""
        if self._child is None:
            return 0
        if self.is_alive:
            self._child.terminate()
        try:
            return await asyncio.wait_for(self._child.wait(), STOP_SECONDS)
        except TimeoutError:
            await self.kill()
            raise NodeFailed(f"{self.name} did not end {STOP_SECONDS} s after SIGTERM:\n{self.log_end()}") from None

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    async def close(self) -> None:
        """End it whatever its state."""
        if self.is_alive:
            self.thaw()
            await self.kill()

    def log_end(self, *, characters: int = 4000) -> str:
        return self.log.read_text(errors="replace")[-characters:] if self.log.exists() else ""
