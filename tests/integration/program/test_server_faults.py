"""A program whose database server is demoted, loses its connections or is restarted loses no fire and heals by itself.

One server of the tests' own and one program for all tests of a kind of server; a task fires every second throughout.
"""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from distributedjob.store import schema
from distributedjob.store.open import parse_url
from support.http_target import Answer, HttpTarget
from support.mariadb_server import MariadbServer
from support.mysql_server import MysqlServer
from support.program import Program, pick_free_port
from support.servers import MYSQL_MISSING
from support.services import UNAVAILABLE, run_services

SECOND = 1_000_000
HEALED_WITHIN = 4.0
"""Two seconds on a machine of its own; tests share theirs."""

KINDS = {"mariadb": MariadbServer, "mysql": MysqlServer}
READ_ONLY = {"mariadb": "read_only", "mysql": "super_read_only"}


class Ground:
    """The server, the program on it, and what is recorded."""

    def __init__(self, server: MariadbServer, program: Program, settings: dict[str, str]) -> None:
        self.server = server
        self.program = program
        self.settings = settings
        self.task_id = 0

    def fires(self) -> list[int]:
        rows = f"FROM dj_cluster.execution WHERE task_id = {self.task_id}"
        return [row[0] for row in self.server.query(f"SELECT fire_at {rows} ORDER BY fire_at")]

    def is_current(self) -> bool:
        """Whether the fire of this second, or of the last, is recorded."""
        fires = self.fires()
        return bool(fires) and time.time_ns() // 1_000 - fires[-1] < 1.3 * SECOND

    async def until_current(self) -> float:
        """Wait for it; gives the seconds that took."""
        began = time.monotonic()
        async with asyncio.timeout(20):
            while not await asyncio.to_thread(self.is_current):
                assert self.program.is_running, self.program.log_text()
                await asyncio.sleep(0.05)
        return time.monotonic() - began


@pytest.fixture(scope="module", params=["mariadb", "mysql"])
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    kind: str = request.param
    if kind == "mysql" and (home := run_services("home", "mysql")).returncode == UNAVAILABLE:
        pytest.skip(f"{MYSQL_MISSING}: {home.stderr.strip().splitlines()[-1]}")
    folder: Path = tmp_path_factory.mktemp(kind)
    with KINDS[kind](folder / "server") as server:
        asyncio.run(schema.upgrade(server.url()))
        url = parse_url(server.url()).set(drivername="mysql").render_as_string(hide_password=False)
        settings = {"DISTRIBUTEDJOB_DATABASE_URL": url, "DISTRIBUTEDJOB_ALLOW_PRIVATE_TARGETS": "true"}
        program = Program(folder / "node", port=pick_free_port(), settings=settings)
        program.start()
        try:
            program.wait_until_ready()
            yield Ground(server, program, settings)
        finally:
            program.close()


@pytest.fixture
async def firing(ground: Ground, http_target: HttpTarget) -> AsyncIterator[Ground]:
    """A task that fires every second, which has begun to."""
    schedule = {"kind": "interval", "every_seconds": 1}
    target = {"kind": "http", "method": "POST", "url": http_target.url("/")}
    with ground.program.client() as client:
        task = {"name": f"tick {time.monotonic_ns()}", "target": target, "schedules": [schedule]}
        answer = await asyncio.to_thread(client.post, "/v1/tasks", json=task)
        assert answer.status_code == 201, answer.text
    ground.task_id = int(answer.json()["id"])
    await ground.until_current()
    yield ground
    with ground.program.client() as client:
        await asyncio.to_thread(client.delete, f"/v1/tasks/{ground.task_id}")


async def nothing_is_lost_by(harm: Callable[[], Awaitable[None]], ground: Ground) -> None:
    await harm()
    healed = await ground.until_current()
    await asyncio.sleep(1.0)
    fires = await asyncio.to_thread(ground.fires)
    gaps = [later - earlier for earlier, later in pairwise(fires) if later - earlier > SECOND]
    log = ground.program.log_text()
    assert (gaps, "Traceback" in log) == ([], False), log
    assert healed < HEALED_WITHIN


async def test_a_demotion_that_is_taken_back_costs_no_fire(firing: Ground) -> None:
    variable = READ_ONLY[firing.server.name]

    async def demote_for_a_while() -> None:
        firing.server.execute(f"SET GLOBAL {variable} = ON")
        await asyncio.sleep(3.0)
        firing.server.execute("SET GLOBAL read_only = OFF")

    await nothing_is_lost_by(demote_for_a_while, firing)


async def test_connections_that_are_killed_again_and_again_cost_no_fire(firing: Ground) -> None:
    async def kill_connections() -> None:
        for _ in range(8):
            firing.server.kill_connections()
            await asyncio.sleep(0.25)

    await nothing_is_lost_by(kill_connections, firing)


async def test_a_restart_of_the_server_costs_no_fire(firing: Ground) -> None:
    async def restart() -> None:
        firing.server.restart()  # in this thread: the server ends with the one that started it

    await nothing_is_lost_by(restart, firing)


async def test_a_password_and_rights_that_are_taken_for_a_while_cost_no_fire_and_no_result(firing: Ground) -> None:
    user = "'dj'@'%'"

    async def lock_out() -> None:
        for harm, cure in (
            (f"ALTER USER {user} IDENTIFIED BY 'another'", f"ALTER USER {user} IDENTIFIED BY 'dj-loopback-tests'"),
            (f"REVOKE INSERT, UPDATE ON dj_cluster.* FROM {user}", f"GRANT ALL PRIVILEGES ON dj_cluster.* TO {user}"),
        ):
            firing.server.execute(harm)
            firing.server.kill_connections()
            await asyncio.sleep(1.5)
            firing.server.execute(cure)
            firing.server.kill_connections()
            await firing.until_current()

    await nothing_is_lost_by(lock_out, firing)
    assert "a result could not be stored" not in firing.program.log_text()


async def test_a_wrong_password_is_refused_at_the_start(ground: Ground, tmp_path: Path) -> None:
    wrong = parse_url(ground.server.url()).set(password="wrong").render_as_string(hide_password=False)
    newcomer = Program(tmp_path / "new", port=pick_free_port(), settings={"DISTRIBUTEDJOB_DATABASE_URL": wrong})
    ended = await asyncio.to_thread(newcomer.run_serve)
    assert (ended.returncode, "Is database_url right?" in ended.stderr) == (5, True), ended.stderr


async def test_an_answer_too_long_for_the_server_is_dropped_and_its_result_kept(
    firing: Ground, http_target: HttpTarget
) -> None:
    """MySQL ends the connection of a statement longer than it takes, often without a word: as in an outage."""
    http_target.default = Answer(body=os.urandom(60_000))
    firing.server.execute("SET GLOBAL max_allowed_packet = 65536")
    firing.server.kill_connections()
    try:
        async with asyncio.timeout(20):
            while "an answer could not be stored; its result is" not in firing.program.log_text():
                await asyncio.sleep(0.05)
        await firing.until_current()
    finally:
        firing.server.execute("SET GLOBAL max_allowed_packet = 67108864")
        firing.server.kill_connections()
        http_target.default = Answer()
    rows = f"FROM dj_cluster.execution WHERE task_id = {firing.task_id}"
    async with asyncio.timeout(20):
        while (await asyncio.to_thread(firing.server.query, f"SELECT COUNT(*) {rows} AND state < 10"))[0][0] > 1:
            await asyncio.sleep(0.05)
    states = await asyncio.to_thread(firing.server.query, f"SELECT DISTINCT state {rows}")
    assert {state for (state,) in states} <= {1, 3, 10}


async def test_a_server_that_is_read_only_is_refused_at_the_start(ground: Ground, tmp_path: Path) -> None:
    newcomer = Program(tmp_path / "new", port=pick_free_port(), settings=ground.settings)
    ground.server.execute("SET GLOBAL read_only = ON")
    try:
        ended = await asyncio.to_thread(newcomer.run_serve)
    finally:
        ground.server.execute("SET GLOBAL read_only = OFF")
    assert (ended.returncode, "the database server is read-only" in ended.stderr) == (5, True), ended.stderr


def test_connections_and_what_was_run_again_are_shown(ground: Ground) -> None:
    with ground.program.client() as client:
        text = client.get("/metrics").text
    shown = dict(re.findall(r"^distributedjob_(database_\w+) (\S+)$", text, flags=re.MULTILINE))
    assert set(shown) == {
        "database_connections",
        "database_connections_used",
        "database_connection_waits_total",
        "database_deadlocks_total",
        "database_lock_waits_total",
    }
    assert float(shown["database_connections"]) == 16
