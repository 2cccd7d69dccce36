"""The real program as a child: started as an operator starts it, waited for, measured, stopped by SIGTERM."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus

import httpx2

from bench.database import Database
from bench.meter import Usage, usage
from bench.ports import pick_free_port

ADMIN_PASSWORD = "amber-heron-counts-slowly-4"
COMMAND = (sys.executable, "-c", "from distributedjob.cli.main import run; run()")
READY_SECONDS = 60.0
STOP_SECONDS = 45.0


class Program:
    """One `distributedjob serve`; `ready_seconds` is the time from its start to its first ready answer.

    `name` is for one node of many: it gets a data folder of its own. `settings` are environment variables without
    their prefix.
    """

    def __init__(
        self, database: Database, *, nodes: int = 1, name: str = "", settings: Mapping[str, str] | None = None
    ) -> None:
        self.database = database
        self.ready_seconds = float("inf")
        self._nodes = nodes
        self._settings = {"NODE_NAME": name, **(settings or {})} if name else (settings or {})
        self._port = pick_free_port()
        self._base_url = f"http://127.0.0.1:{self._port}"
        self._data_dir = database.folder / name
        self._log_path = database.folder / f"{name or 'program'}.log"
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it is ready; raises RuntimeError with the end of its log."""
        began = time.monotonic()
        self.launch()
        self.wait_until_ready(began)

    def launch(self) -> None:
        """Start without waiting."""
        arguments = ["serve", "--data-dir", str(self._data_dir), "--port", str(self._port)]
        arguments += ["--processes", str(self._nodes)] if self._nodes > 1 else []
        with self._log_path.open("ab") as log:
            self._child = subprocess.Popen(
                [*COMMAND, *arguments], env=self._environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def wait_until_ready(self, began: float) -> None:
        """Raises RuntimeError with the end of its log. `began` is monotonic."""
        assert self._child is not None, "not started"
        while not self._is_ready():
            if self._child.poll() is not None or time.monotonic() - began > READY_SECONDS:
                self.stop()
                raise RuntimeError(f"the program did not become ready:\n{self._tail()}")
            time.sleep(0.01)
        self.ready_seconds = time.monotonic() - began

    def stop(self) -> None:
        """SIGTERM, then SIGKILL when the drain takes too long; the load of a bench may be cut off."""
        child, self._child = self._child, None
        if child is None:
            return
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        assert self._child is not None, "not started"
        self._child.kill()
        self._child.wait()

    @property
    def pid(self) -> int:
        assert self._child is not None, "not started"
        return self._child.pid

    def usage(self) -> Usage:
        return usage(self.pid)

    def client(self) -> httpx2.Client:
        """A client of the API, logged in."""
        credentials = {"username": "admin", "password": ADMIN_PASSWORD}
        answer = httpx2.post(f"{self._base_url}/v1/auth/login", json=credentials, timeout=30, trust_env=False)
        answer.raise_for_status()
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        return httpx2.Client(base_url=self._base_url, headers=headers, timeout=30, trust_env=False)

    def gauge(self, name: str, *, client: httpx2.Client) -> float:
        """The value of a metric without labels; `client` is logged in at any node of the installation."""
        answer = client.get(f"{self._base_url}/metrics")
        answer.raise_for_status()
        return next(float(line.split()[1]) for line in answer.text.splitlines() if line.startswith(f"{name} "))

    def _is_ready(self) -> bool:
        # Not the client library: making one of its clients costs more than the answer, on the cores that start.
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=2)) as connection:
            try:
                connection.request("GET", "/v1/health/ready")
                return connection.getresponse().status == HTTPStatus.OK
            except (OSError, http.client.HTTPException):
                return False

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DISTRIBUTEDJOB_")}
        # The sink is on loopback, which a node on MySQL calls only when told to.
        settings = {"DISTRIBUTEDJOB_ADMIN_PASSWORD": ADMIN_PASSWORD, "DISTRIBUTEDJOB_ALLOW_PRIVATE_TARGETS": "true"}
        if self.database.url is not None:
            settings["DISTRIBUTEDJOB_DATABASE_URL"] = self.database.url
        own = {f"DISTRIBUTEDJOB_{name}": value for name, value in self._settings.items()}
        return {**inherited, **settings, **own}

    def _tail(self) -> str:
        return self._log_path.read_text(errors="replace")[-2_000:]


@contextlib.contextmanager
def open_program(database: Database, *, nodes: int = 1) -> Iterator[Program]:
    """A started program, stopped at the end."""
    program = Program(database, nodes=nodes)
    program.start()
    try:
        yield program
    finally:
        program.stop()
