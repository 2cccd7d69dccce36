"""What an operator may do wrong, and what may go wrong around the program: a clear word, and nothing is lost."""

import asyncio
import re
import resource
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from rig.proxy import Proxy
from support.http_target import Answer, Hang, HttpTarget
from support.program import Program, pick_free_port
from support.servers import DatabaseServer, open_database

DEADLINE = 30.0
PRIVATE = {"DISTRIBUTEDJOB_ALLOW_PRIVATE_TARGETS": "true"}


def wait_for(what: Callable[[], Any], *, seconds: float = DEADLINE) -> Any:
    """Ask until the answer is true, and give it."""
    deadline = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < deadline, f"still {answer!r} after {seconds} s"
        time.sleep(0.05)
    return answer


@pytest.fixture
def new_program(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """A program that is not started yet."""
    made: list[Program] = []

    def make(name: str = "node", **options: Any) -> Program:
        options.setdefault("port", pick_free_port())
        made.append(Program(tmp_path / name, **options))
        return made[-1]

    yield make
    for program in made:
        program.close()


class Relay:
    """The way to a database server, which can be cut and healed from the test's thread."""

    def __init__(self, server: DatabaseServer) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._proxy = Proxy(server.host, server.port, port=pick_free_port())

    @property
    def port(self) -> int:
        return self._proxy.port

    def open(self) -> None:
        self._run(self._proxy.heal())

    def cut(self) -> None:
        self._run(self._proxy.cut())

    def close(self) -> None:
        self._run(self._proxy.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)


@pytest.fixture
def relay(mariadb_server: DatabaseServer) -> Iterator[Relay]:
    relay = Relay(mariadb_server)
    yield relay
    relay.close()


@pytest.fixture
def far_program(mariadb_server: DatabaseServer, relay: Relay, new_program: Callable[..., Program]) -> Iterator[Program]:
    """A program whose database, with its schema in place, is behind the relay; the relay is still closed."""
    with open_database(mariadb_server) as name:
        upgraded = new_program("upgrade", settings={"DISTRIBUTEDJOB_DATABASE_URL": mariadb_server.url(name)})
        upgraded.run("db", "upgrade")
        url = re.sub(r":\d+/", f":{relay.port}/", mariadb_server.url(name))
        program = new_program(settings={"DISTRIBUTEDJOB_DATABASE_URL": url, **PRIVATE})
        yield program
        program.close()


def create_task(program: Program, target: HttpTarget, **fields: Any) -> str:
    task = {"name": "probe", "target": {"method": "POST", "url": target.url()}, **fields}
    with program.client() as client:
        answer = client.post("/v1/tasks", json=task)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


def run_task(program: Program, task_id: str) -> str:
    with program.client() as client:
        return str(client.post(f"/v1/tasks/{task_id}/run", json={}).raise_for_status().json()["id"])


def find_execution(program: Program, execution_id: str) -> dict[str, Any]:
    with program.client() as client:
        return dict(client.get(f"/v1/executions/{execution_id}").raise_for_status().json())


def list_fires(program: Program, task_id: str) -> list[int]:
    """Every second that has a decision: an execution, or a place in a range of missed fires."""
    with program.client() as client:
        rows = client.get("/v1/executions", params={"task_id": task_id, "trigger": "schedule", "limit": 200})
    seconds = []
    for row in rows.raise_for_status().json()["items"]:
        first, last = (datetime.fromisoformat(row[name] or row["fire_at"]) for name in ("fire_at", "range_end"))
        seconds += range(int(first.timestamp()), int(last.timestamp()) + 1)
    return sorted(seconds)


def measure(program: Program, metric: str) -> float:
    """The present value of a gauge."""
    with program.client() as client:
        text = client.get("/metrics").text
    found = re.search(rf"^distributedjob_{metric} (\S+)$", text, flags=re.MULTILINE)
    assert found is not None, text
    return float(found[1])


def is_ready(program: Program) -> bool:
    with program.client() as client:
        return bool(client.get("/v1/health/ready").status_code == 200)


EVERY_SECOND = {"schedules": [{"kind": "cron", "expression": "* * * * * *"}]}


def test_a_second_program_on_the_same_data_folder_is_told_the_pid_of_the_first(program, new_program):
    ended = new_program().run_serve()

    assert (ended.returncode, f"pid {program.pid}." in ended.stderr) == (6, True), ended.stderr


def test_a_port_in_use_is_named(program, new_program):
    ended = new_program("other", port=program.port).run_serve()

    assert (ended.returncode, f"cannot listen on 127.0.0.1:{program.port}" in ended.stderr) == (6, True), ended.stderr


@pytest.mark.parametrize("password", ["admin", "changeme", "Password"])
def test_a_well_known_admin_password_is_refused(new_program, password):
    ended = new_program(settings={"DISTRIBUTEDJOB_ADMIN_PASSWORD": password}).run_serve()

    assert (ended.returncode, "admin_password: is well known" in ended.stderr) == (2, True), ended.stderr


def test_a_refused_password_is_not_repeated(new_program):
    ended = new_program(settings={"DISTRIBUTEDJOB_ADMIN_PASSWORD": "distributedjob"}).run_serve()

    assert "distributedjob" not in ended.stderr.lower().replace("distributedjob_", "")


def test_a_schema_newer_than_the_program_is_refused(program, new_program):
    program.terminate()
    with sqlite3.connect(program.data_dir / "distributedjob.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("UPDATE installation SET content = ? WHERE name = 'oldest_program'", (b"99.0.0",))
    connection.close()
    ended = new_program(port=program.port).run_serve()

    assert (ended.returncode, "9999, newer than this program" in ended.stderr) == (6, True), ended.stderr


def test_an_older_schema_on_a_server_is_refused_with_the_way_out(mariadb_url, new_program):
    ended = new_program(settings={"DISTRIBUTEDJOB_DATABASE_URL": mariadb_url}).run_serve()

    assert (ended.returncode, "Run 'distributedjob db upgrade' once" in ended.stderr) == (6, True), ended.stderr


def test_a_database_that_is_away_at_the_start_is_waited_for(far_program, relay):
    far_program.start()
    wait_for(lambda: "the database is away" in far_program.log_text())
    relay.open()

    far_program.wait_until_ready()


def test_waiting_for_the_database_is_said_once_and_so_is_its_end(far_program, relay):
    far_program.start()
    wait_for(lambda: "the database is away" in far_program.log_text())
    time.sleep(3)  # three more attempts, one a second
    relay.open()
    far_program.wait_until_ready()
    log = far_program.log_text()

    assert (log.count("the database is away"), log.count("the database is back")) == (1, 1), log


def test_while_the_database_is_away_the_api_says_when_to_come_back(far_program, relay, http_target):
    relay.open()
    far_program.start()
    far_program.wait_until_ready()
    task_id = create_task(far_program, http_target)
    relay.cut()
    with far_program.client() as client:
        answer = client.get(f"/v1/tasks/{task_id}", timeout=20)

    assert (answer.status_code, answer.headers["Retry-After"].isdigit()) == (503, True), answer.text


def test_a_call_that_ends_while_the_database_is_away_counts(far_program, relay, http_target):
    relay.open()
    far_program.start()
    far_program.wait_until_ready()
    http_target.default = Answer(delay_seconds=2)
    execution_id = run_task(far_program, create_task(far_program, http_target))
    http_target.wait_for(1)
    relay.cut()
    wait_for(lambda: "results wait for the database" in far_program.log_text())
    relay.open()
    wait_for(lambda: "the database is back" in far_program.log_text())
    ended = wait_for(lambda: (e := find_execution(far_program, execution_id))["state"] == "succeeded" and e)

    assert ended["attempt"] == 1


def test_fires_that_come_due_while_the_database_is_away_are_recorded_after(far_program, relay, http_target):
    relay.open()
    far_program.start()
    far_program.wait_until_ready()
    task_id = create_task(far_program, http_target, **EVERY_SECOND)
    http_target.wait_for(2)
    relay.cut()
    wait_for(lambda: "recording waits for the database" in far_program.log_text())
    relay.open()
    reopened_at = int(time.time())
    seconds = wait_for(lambda: (s := list_fires(far_program, task_id)) and s[-1] > reopened_at + 1 and s)

    assert seconds == list(range(seconds[0], seconds[-1] + 1))


class Disk:
    """How much the files of a program may grow: not at all, or as they like. Its log is one of them."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def fill(self) -> None:
        self._limit(1)

    def free(self) -> None:
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        resource.prlimit(self._program.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.fixture
def disk(program: Program) -> Disk:
    return Disk(program)


def test_on_a_full_disk_a_save_is_answered_by_503(program, http_target, disk):
    disk.fill()
    with program.client() as client:
        answer = client.post("/v1/tasks", json={"name": "probe", "target": {"url": http_target.url()}})

    assert (answer.status_code, answer.headers["Retry-After"].isdigit()) == (503, True), answer.text


def test_a_full_disk_loses_no_result(program, http_target, disk):
    http_target.default = Answer(delay_seconds=1)
    execution_id = run_task(program, create_task(program, http_target))
    http_target.wait_for(1)
    disk.fill()
    wait_for(lambda: measure(program, "results_waiting") == 1)
    disk.free()
    ended = wait_for(lambda: (e := find_execution(program, execution_id))["state"] == "succeeded" and e)

    assert ended["attempt"] == 1


def test_a_full_disk_loses_no_fire(program, http_target, disk):
    task_id = create_task(program, http_target, **EVERY_SECOND)
    http_target.wait_for(2)
    disk.fill()
    wait_for(lambda: not is_ready(program))  # no heartbeat for 5 s: fires have come due meanwhile
    disk.free()
    freed_at = int(time.time())
    seconds = wait_for(lambda: (s := list_fires(program, task_id)) and s[-1] > freed_at + 1 and s)

    assert seconds == list(range(seconds[0], seconds[-1] + 1))


def test_a_stop_lets_running_calls_end(program, http_target):
    http_target.default = Answer(delay_seconds=2)
    execution_id = run_task(program, create_task(program, http_target))
    http_target.wait_for(1)
    code = program.terminate()
    program.start()
    program.wait_until_ready()
    ended = find_execution(program, execution_id)

    assert (code, ended["state"], ended["attempt"]) == (0, "succeeded", 1)


def test_a_second_signal_does_not_wait_for_calls(program, http_target):
    http_target.default = Hang()
    run_task(program, create_task(program, http_target))
    http_target.wait_for(1)
    program.child.send_signal(signal.SIGTERM)
    wait_for(lambda: "stopping" in program.log_text())
    code = program.terminate(timeout_seconds=10)

    assert (code, "cut=1" in program.log_text()) == (0, True)


def test_a_call_that_was_cut_by_a_stop_is_tried_again(program, http_target):
    http_target.answers(Hang())
    execution_id = run_task(program, create_task(program, http_target))
    http_target.wait_for(1)
    program.child.send_signal(signal.SIGTERM)
    wait_for(lambda: "stopping" in program.log_text())
    program.terminate(timeout_seconds=10)
    program.start()
    program.wait_until_ready()
    ended = wait_for(lambda: (e := find_execution(program, execution_id))["state"] == "succeeded" and e)

    assert [attempt["outcome"] for attempt in ended["attempts"]] == ["unclear", "answered"]
