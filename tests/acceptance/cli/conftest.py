"""The command line as a person uses it: the real program in a child process, its output and its exit code."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.program import Program

COMMAND = (sys.executable, "-c", "from distributedjob.cli.main import run; run()")
SECONDS = 60


class Cli:
    """Runs commands with a home of their own; `server` and `token` go by the environment, as in a CI job."""

    def __init__(self, home: Path, *, server: str | None = None, token: str | None = None) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DISTRIBUTEDJOB_")}
        self.home = home
        self.environment = {**inherited, "XDG_CONFIG_HOME": str(home), "NO_COLOR": "1"}
        if server is not None:
            self.environment["DISTRIBUTEDJOB_SERVER"] = server
        if token is not None:
            self.environment["DISTRIBUTEDJOB_TOKEN"] = token

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        # Whoever runs the tests in the background ignores SIGINT, and a child would inherit that.
        return subprocess.Popen(
            [*COMMAND, *arguments],
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no thread of ours
        )

    def run(self, *arguments: str, stdin: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [*COMMAND, *arguments],
            env={**self.environment, **environment},
            text=True,
            input=stdin,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
        assert "Traceback" not in done.stderr + done.stdout, done.stderr
        return done

    def ok(self, *arguments: str, stdin: str = "") -> str:
        """The output of a command that succeeds."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *arguments: str, stdin: str = "") -> Any:
        return json.loads(self.ok(*arguments, "--output", "json", stdin=stdin))


@pytest.fixture
def stranger(tmp_path: Path) -> Cli:
    """Nobody logged in, no server named."""
    return Cli(tmp_path / "home")


@pytest.fixture
def cli(tmp_path: Path, module_program: Program) -> Cli:
    """As the admin of a running program that the tests of a module share."""
    return Cli(tmp_path / "home", server=module_program.base_url, token=access_token(module_program))


@pytest.fixture
def write_task(tmp_path: Path) -> Callable[..., str]:
    """Write a task file and give its path: `write_task("name", url, schedules=…, policies=…)`."""

    def write(name: str, url: str, **more: Any) -> str:
        path = tmp_path / f"{name}.yaml"
        path.write_text(json.dumps({"name": name, "target": {"kind": "http", "method": "POST", "url": url}, **more}))
        return str(path)

    return write


def access_token(program: Program) -> str:
    with program.client() as client:
        return client.headers["Authorization"].removeprefix("Bearer ")
