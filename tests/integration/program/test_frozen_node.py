"""A node that freezes inside a recording transaction holds row locks; the others' fires do not wait for them, and the
fires of the held schedules are late within bounds."""

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from distributedjob.store import schema
from distributedjob.store.open import parse_url
from support.http_target import HttpTarget
from support.program import Program, pick_free_port
from support.servers import DatabaseServer

SECOND = 1_000_000
TASKS = 10
RESCUE_BOUND, UNTOUCHED_BOUND = 20 * SECOND, 3 * SECOND
AFTER_RECORDINGS = 6


@pytest.fixture(params=["mariadb", "mysql"])
def server(request: pytest.FixtureRequest) -> DatabaseServer:
    found: DatabaseServer = request.getfixturevalue(f"{request.param}_server")
    return found


@pytest.fixture
def url(request: pytest.FixtureRequest, server: DatabaseServer) -> str:
    found: str = request.getfixturevalue(f"{server.name}_url")
    return found


@pytest.fixture
def start(url: str, tmp_path: Path) -> Iterator[Callable[..., Program]]:
    started: list[Program] = []
    given = parse_url(url).set(drivername="mysql").render_as_string(hide_password=False)

    def start(name: str, **settings: str) -> Program:
        own = {f"DISTRIBUTEDJOB_{key}": value for key, value in settings.items()}
        common = {"DISTRIBUTEDJOB_DATABASE_URL": given, "DISTRIBUTEDJOB_ALLOW_PRIVATE_TARGETS": "true"}
        program = Program(tmp_path / name, port=pick_free_port(), settings={**common, **own})
        started.append(program)
        program.start()
        program.wait_until_ready()
        return program

    yield start
    for program in started:
        program.close()


def state_of(program: Program) -> str:
    return Path(f"/proc/{program.pid}/stat").read_text().rpartition(")")[2].split()[0]


def rows(server: DatabaseServer, url: str, sql: str) -> tuple[tuple[int, ...], ...]:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"USE {parse_url(url).database}")
        cursor.execute(sql)
        return tuple(cursor.fetchall())


@pytest.mark.slow
def test_a_node_frozen_in_a_transaction_makes_its_fires_late_within_bounds_and_no_others(
    start: Callable[..., Program], http_target: HttpTarget, server: DatabaseServer, url: str
) -> None:
    asyncio.run(schema.upgrade(url))
    sound = start("sound")
    frozen = start("frozen", CRASH_POINT=f"after_record:{AFTER_RECORDINGS}:freeze", NODE_NAME="frozen")
    wanted = {"kind": "http", "method": "POST", "url": http_target.url("/")}
    with sound.client() as client:
        for number in range(TASKS):
            schedules = [{"kind": "interval", "every_seconds": 1}]
            task = {"name": f"tick {number}", "target": wanted, "schedules": schedules}
            assert client.post("/v1/tasks", json=task).status_code == 201
    deadline = time.monotonic() + 30
    while state_of(frozen) != "T":
        assert time.monotonic() < deadline, "it never froze"
        time.sleep(0.05)
    frozen_at = time.time_ns() // 1_000
    while time.time_ns() // 1_000 < frozen_at + 24 * SECOND:
        time.sleep(0.2)
    recorded = rows(server, url, "SELECT task_id, fire_at, recorded_at FROM execution ORDER BY task_id, fire_at")
    lateness = {task: max(r - f for t, f, r in recorded if t == task) for task, *_ in recorded}
    gaps = {later[1] - earlier[1] for earlier, later in pairwise(recorded) if earlier[0] == later[0]}
    held = {task for task, late in lateness.items() if late > UNTOUCHED_BOUND}
    print(f"\n{server.name}: lateness {sorted(round(late / SECOND, 2) for late in lateness.values())}")
    assert gaps == {SECOND}
    assert held
    assert len(held) < TASKS
    assert max(lateness.values()) <= RESCUE_BOUND
    last = {task: max(f for t, f, _ in recorded if t == task) for task in lateness}
    assert min(last.values()) > time.time_ns() // 1_000 - 4 * SECOND
