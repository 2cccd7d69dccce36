"""The quickstart does what it says: its commands run, in order, in one shell, against the real program and receiver.

Blocks marked `sh` are the user's third terminal and run as they stand; what the page asks of the other two terminals
is done by the test at the chapters concerned. Ports, password and data folder are the test's own.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from support.program import Program, pick_free_port

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "quickstart.md").read_text()
OUTAGE_SECONDS = 6.0
STEP = timedelta(seconds=5)
END_OF_BLOCK = "-- block ended --"


def blocks_of(chapter: int) -> list[str]:
    """The `sh` blocks of a chapter, in order."""
    text = PAGE.partition(f"\n## {chapter}. ")[2].partition("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


class Terminal:
    """One shell for the whole page: what a block exports, the next one has."""

    def __init__(self, folder: Path, replacements: dict[str, str]) -> None:
        self._replacements = replacements
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("DISTRIBUTEDJOB", "XDG"))
        }
        self._shell = subprocess.Popen(
            ["bash", "-euo", "pipefail"],
            cwd=folder,
            env={**inherited, "HOME": str(folder), "PATH": programs},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def type(self, block: str) -> str:
        """Run a block and give what it printed; fails when a command does."""
        for text, ours in self._replacements.items():
            block = block.replace(text, ours)
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f"{block}\necho; echo '{END_OF_BLOCK}'\n")
        self._shell.stdin.flush()
        printed = ""
        while END_OF_BLOCK not in (line := self._shell.stdout.readline()):
            if not line:
                pytest.fail(f"a command failed:\n{block}\n{printed}", pytrace=False)
            printed += line
        return printed

    def close(self) -> None:
        self._shell.kill()
        self._shell.wait()


class Walk:
    """The page from its first chapter to its last, and what each block printed."""

    def __init__(self, folder: Path) -> None:
        self.program = Program(folder / "node", port=pick_free_port())
        self._receiver_port = pick_free_port()
        self._receiver: subprocess.Popen[str] | None = None
        shutil.copytree(ROOT / "examples", folder / "examples")
        for path in (folder / "examples").glob("*.yaml"):
            path.write_text(path.read_text().replace("127.0.0.1:9000", f"127.0.0.1:{self._receiver_port}"))
        self.terminal = Terminal(
            folder,
            {
                "127.0.0.1:8080": f"127.0.0.1:{self.program.port}",
                "127.0.0.1:9000": f"127.0.0.1:{self._receiver_port}",
                "the password that was printed": self.program.admin_password,
                ".data/lock": str(self.program.data_dir / "lock"),
                "--timeout 12": "--timeout 8",
            },
        )
        self.printed: dict[int, list[str]] = {}
        self.executions: list[dict[str, Any]] = []

    def walk(self) -> None:
        self.program.start()
        self.program.wait_until_ready()
        self._start_receiver()
        for chapter in (3, 4):
            self.printed[chapter] = [self.terminal.type(block) for block in blocks_of(chapter)]
        self._stop_receiver()
        failing, recovering = blocks_of(5)
        self.printed[5] = [self.terminal.type(failing)]
        self._start_receiver()
        self.printed[5].append(self.terminal.type(recovering))
        self._kill_and_restart()
        self.executions = self._recorded_fires()
        for chapter in (7, 8):
            self.printed[chapter] = [self.terminal.type(block) for block in blocks_of(chapter)]
        self.printed[9] = [self.terminal.type(block) for block in blocks_of(9)]

    def _recorded_fires(self) -> list[dict[str, Any]]:
        """Newest first, as they are before the page pauses the task."""
        with self.program.client() as client:
            task = client.get("/v1/tasks", params={"name": "hello"}).json()["items"][0]
            page = client.get("/v1/executions", params={"task_id": task["id"], "trigger": "schedule", "limit": 200})
            return list(page.json()["items"])

    def _kill_and_restart(self) -> None:
        kill, look = blocks_of(6)
        self.printed[6] = [self.terminal.type(kill)]
        self.program.child.wait(timeout=10)
        ended_at = time.monotonic()
        while time.monotonic() < ended_at + OUTAGE_SECONDS:
            time.sleep(0.1)
        self.program.start()
        self.program.wait_until_ready()
        self.printed[6].append(self.terminal.type(look))

    def _start_receiver(self) -> None:
        command = [sys.executable, ROOT / "examples" / "receiver.py", str(self._receiver_port)]
        self._receiver = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)

    def _stop_receiver(self) -> None:
        if self._receiver is not None:
            self._receiver.kill()
            self._receiver.wait()

    def close(self) -> None:
        self.terminal.close()
        self._stop_receiver()
        self.program.close()


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    walk = Walk(tmp_path_factory.mktemp("quickstart"))
    try:
        walk.walk()
        yield walk
    finally:
        walk.close()


def test_logging_in_says_where_the_login_is_kept(walk):
    assert "Logged in to http://127.0.0.1:" in walk.printed[3][0]


def test_a_task_from_a_file_is_created(walk):
    assert "ping: created, revision 1" in walk.printed[4][1]


def test_watching_shows_executions_that_succeed(walk):
    assert "succeeded" in walk.printed[4][2]


def test_an_execution_shows_the_request_as_it_was_sent(walk):
    assert re.search(
        r"Request: POST http://127\.0\.0\.1:\d+/\n(  .*\n)*  X-DistributedJob-Attempt: 1\n", walk.printed[4][3]
    )


def test_an_execution_shows_the_response(walk):
    assert re.search(r"Response: 200\n(.*\n)*ok\n", walk.printed[4][3])


def test_without_its_endpoint_an_execution_waits_for_the_next_attempt(walk):
    assert re.search(r"pending \(retry\): attempt \d did not succeed, the next one not before ", walk.printed[5][0])


def test_with_its_endpoint_back_an_execution_succeeds_by_a_later_attempt(walk):
    assert re.search(r"succeeded after \d+ attempts", walk.printed[5][1])


def test_every_fire_is_accounted_for(walk):
    """From the first fire to the last: one execution every five seconds, or a range of missed ones over the gap."""
    covered = []
    for execution in walk.executions:
        first, last = (instant(execution[name] or execution["fire_at"]) for name in ("fire_at", "range_end"))
        covered += [first + STEP * n for n in range((last - first) // STEP + 1)]
    covered.sort()

    assert [later - earlier for earlier, later in pairwise(covered)] == [STEP] * (len(covered) - 1)


def test_fires_of_the_outage_were_caught_up_with(walk):
    late = [e for e in walk.executions if instant(e["recorded_at"]) - instant(e["fire_at"]) > timedelta(seconds=1)]

    assert late


def test_a_paused_task_still_runs_by_hand(walk):
    assert re.search(r"hello: disabled\n(.*\n)*State +succeeded *\n(.*\n)*hello: enabled\n", walk.printed[7][0])


def test_the_preview_marks_the_fire_that_the_clock_change_moved(walk):
    assert re.search(r"^2027-03-28T03:00:00\+02:00 +2027-03-28T01:00:00Z +dst_gap", walk.printed[8][0], re.MULTILINE)


def test_the_tasks_can_be_deleted(walk):
    assert "hello: deleted\nping: deleted\n" in walk.printed[9][0]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
