"""A program whose database server is demoted, loses its connections or is restarted loses no fire and heals by itself.

One server of the tests' own and one program for all tests of a kind of server; a task fires every second throughout.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from distributedjob.store import schema
from distributedjob.store.open import parse_url
from support.http_target import HttpTarget
from support.mariadb_server import MariadbServer
from support.mysql_server import MysqlServer
from support.program import Program, pick_free_port
from support.services import UNAVAILABLE, run_services
from support.servers import MYSQL_MISSING

SECOND = 1_000_000
HEALED_WITHIN = 4.0
"""Two seconds on a machine of its own; tests share theirs."""

KINDS = {"mariadb": MariadbServer, "mysql": MysqlServer}
READ_ONLY = {"mariadb": "read_only", "mysql": "super_read_only"}


class Ground:
    """The server, the program on it, and what is recorded."""

    def __init__(self, server: MariadbServer, program: Program) -> None:
        self.server = server
        self.program = program

    def fires(self) -> list[int]:
        return [row[0] for row in self.server.query("SELECT fire_at FROM dj_cluster.execution ORDER BY fire_at")]

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
            yield Ground(server, program)
        finally:
            program.close()


@pytest.fixture
async def firing(ground: Ground, http_target: HttpTarget) -> Ground:
    """A task that fires every second, which has begun to."""
    schedule = {"kind": "interval", "every_seconds": 1}
    target = {"kind": "http", "method": "POST", "url": http_target.url("/")}
    with ground.program.client() as client:
        task = {"name": f"tick {time.monotonic_ns()}", "target": target, "schedules": [schedule]}
        answer = await asyncio.to_thread(client.post, "/v1/tasks", json=task)
        assert answer.status_code == 201, answer.text
    await ground.until_current()
    return ground


async def nothing_is_lost_by(harm: Callable[[], Awaitable[None]], ground: Ground) -> None:
    await harm()
    healed = await ground.until_current()
    await asyncio.sleep(1.0)
    fires = await asyncio.to_thread(ground.fires)
    gaps = [later - earlier for earlier, later in zip(fires, fires[1:], strict=False) if later - earlier > SECOND]
    log = ground.program.log_text()
    assert (gaps, "Traceback" in log) == ([], False), log
    assert healed < HEALED_WITHIN
    print(f"\nhealed after {healed:.2f} s")


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
    await nothing_is_lost_by(lambda: asyncio.to_thread(firing.server.restart), firing)
