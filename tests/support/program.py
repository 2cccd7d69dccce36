"""The real program as a child process: started, waited for, looked at, terminated or killed like an operator would.

A test names `program` for one on SQLite that is ready, or `start_program` for its own data folder, settings or port.
Whatever a test leaves running is killed at its end, and a start that fails shows the program's own log.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx2
import pytest

ADMIN_PASSWORD = "violet-otter-climbs-quietly-7"
READY_SECONDS = 60.0  # two seconds on a machine of its own; tests share theirs
STOP_SECONDS = 45.0  # the program's own drain takes up to 30 s
PORTS = range(10_000, 30_000)
_COMMAND = (sys.executable, "-c", "from distributedjob.cli.main import run; run()")


def pick_free_port() -> int:
    """A loopback port nobody listens on. Drawn at random, so that test processes side by side rarely meet."""
    for _ in range(200):
        port = random.choice(PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise RuntimeError(f"no free port among 200 drawn from {PORTS}")


class Program:
    """One `distributedjob serve`, or `node`, on one data folder and port; it may be started again after its end."""

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int,
        settings: Mapping[str, str] | None = None,
        arguments: tuple[str, ...] = (),
        verb: str = "serve",
    ) -> None:
        self.data_dir = data_dir
        self.port = port
        self.base_url = f"http://127.0.0.1:{port}"
        self.admin_password = ADMIN_PASSWORD
        self.log_path = data_dir.parent / f"{data_dir.name}.log"
        self._settings = dict(settings or {})
        self._arguments = arguments
        self._verb = verb
        self._child: subprocess.Popen[bytes] | None = None
        self._token: str | None = None

    def start(self) -> None:
        """Start without waiting. Output is added to `log_path`."""
        command = [*_COMMAND, self._verb, "--data-dir", str(self.data_dir), "--port", str(self.port), *self._arguments]
        with self.log_path.open("ab") as log:
            self._child = subprocess.Popen(
                command, env=self._environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command with this program's settings, to its end."""
        command = [*_COMMAND, *arguments]
        return subprocess.run(
            command, env=self._environment(), capture_output=True, text=True, timeout=STOP_SECONDS, check=False
        )

    def run_serve(self) -> subprocess.CompletedProcess[str]:
        """A start that is refused: run it to its end, which has to come by itself."""
        return self.run(self._verb, "--data-dir", str(self.data_dir), "--port", str(self.port), *self._arguments)

    def wait_until_ready(self, timeout_seconds: float = READY_SECONDS) -> None:
        """Wait for `/v1/health/ready` to answer 200; fail with the log when it ends or the time is up."""
        deadline = time.monotonic() + timeout_seconds
        while not self._is_ready():
            if (code := self.child.poll()) is not None:
                pytest.fail(f"the program ended with {code} before it was ready:\n{self.log_text()}", pytrace=False)
            if time.monotonic() > deadline:
                pytest.fail(f"not ready after {timeout_seconds} s:\n{self.log_text()}", pytrace=False)
            time.sleep(0.02)

    @property
    def child(self) -> subprocess.Popen[bytes]:
        assert self._child is not None, "not started"
        return self._child

    @property
    def pid(self) -> int:
        return self.child.pid

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def log_text(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def kill(self) -> None:
        """SIGKILL, as a crash: nothing is drained or flushed."""
        self.child.kill()
        self.child.wait(timeout=STOP_SECONDS)

    def terminate(self, timeout_seconds: float = STOP_SECONDS) -> int:
        """SIGTERM, as an operator stops it. Gives the exit code."""
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(timeout=timeout_seconds)

    def freeze(self) -> None:
        self.child.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.child.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End it whatever its state; stopping twice is fine."""
        if self.is_running:
            self.thaw()
            self.kill()

    def client(self, *, username: str = "admin") -> httpx2.Client:
        """A client of the API, logged in (once per program; logging in is slow on purpose)."""
        if self._token is None:
            credentials = {"username": username, "password": self.admin_password}
            answer = httpx2.post(f"{self.base_url}/v1/auth/login", json=credentials, timeout=10, trust_env=False)
            answer.raise_for_status()
            self._token = answer.json()["access_token"]
        headers = {"Authorization": f"Bearer {self._token}"}
        return httpx2.Client(base_url=self.base_url, headers=headers, timeout=10, trust_env=False)

    def _is_ready(self) -> bool:
        try:
            return httpx2.get(f"{self.base_url}/v1/health/ready", timeout=2, trust_env=False).status_code == 200
        except httpx2.HTTPError:
            return False

    def _environment(self) -> dict[str, str]:
        # The tester's own settings must not reach the program.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DISTRIBUTEDJOB_")}
        return {**inherited, "DISTRIBUTEDJOB_ADMIN_PASSWORD": self.admin_password, **self._settings}


StartProgram = Callable[..., Program]


@pytest.fixture
def free_port() -> int:
    return pick_free_port()


@pytest.fixture
def start_program(tmp_path: Path) -> Iterator[StartProgram]:
    """Start a program and wait for it: `start_program(name="a", settings={"DISTRIBUTEDJOB_…": "…"}, arguments=(…))`."""
    started: list[Program] = []

    def start(
        *, name: str = "node", settings: Mapping[str, str] | None = None, arguments: tuple[str, ...] = ()
    ) -> Program:
        program = Program(tmp_path / name, port=pick_free_port(), settings=settings, arguments=arguments)
        started.append(program)
        program.start()
        program.wait_until_ready()
        return program

    yield start
    for program in started:
        program.close()


@pytest.fixture
def program(start_program: StartProgram) -> Program:
    """A program on SQLite, ready, with a data folder of its own."""
    return start_program()


@pytest.fixture(scope="module")
def module_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One program for all tests of a module: for tests that neither stop it nor mind each other's tasks."""
    program = Program(tmp_path_factory.mktemp("program") / "node", port=pick_free_port())
    program.start()
    try:
        program.wait_until_ready()
        yield program
    finally:
        program.close()
