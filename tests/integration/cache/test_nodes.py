"""Two real nodes on one database and one Redis: what is done on one counts on the other at once, without Redis soon.

`front` has the API alone, `back` does the work.
"""

import asyncio
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event, Thread

import httpx2
import pytest

from support.http_target import Hang, HttpTarget
from support.program import Program, pick_free_port
from support.redis_server import RedisServer

AT_ONCE = 0.7
"""Seconds, on a busy machine. The polls take up to a second: many in a row that are this quick were told."""
IN_A_ROW = 8


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis") / "redis") as server:
        yield server


@pytest.fixture(scope="module")
def nodes(
    tmp_path_factory: pytest.TempPathFactory, module_mariadb_url: str, redis: RedisServer
) -> Iterator[tuple[Program, Program]]:
    settings = {
        "DISTRIBUTEDJOB_DATABASE_URL": module_mariadb_url,
        "DISTRIBUTEDJOB_REDIS_URL": redis.url,
        "DISTRIBUTEDJOB_ALLOW_PRIVATE_TARGETS": "true",
        "DISTRIBUTEDJOB_API_RATE": "100000",
    }
    folder = tmp_path_factory.mktemp("nodes")
    front, back = (
        Program(
            folder / name,
            port=pick_free_port(),
            settings={**settings, "DISTRIBUTEDJOB_ROLES": roles, "DISTRIBUTEDJOB_NODE_NAME": name},
        )
        for name, roles in (("front", '["api"]'), ("back", '["api", "scheduler", "worker"]'))
    )
    upgraded = front.run("db", "upgrade")
    assert upgraded.returncode == 0, upgraded.stderr
    for program in (front, back):
        program.start()
    try:
        for program in (front, back):
            program.wait_until_ready()
        yield front, back
    finally:
        for program in (front, back):
            program.close()


@pytest.fixture
def front(nodes: tuple[Program, Program]) -> Program:
    return nodes[0]


@pytest.fixture
def back(nodes: tuple[Program, Program]) -> Program:
    return nodes[1]


@pytest.fixture
def connected(nodes: tuple[Program, Program], redis: RedisServer) -> None:
    """Redis runs, and both nodes know it."""
    if not redis.is_running:
        redis.start()
    redis.thaw()
    for program in nodes:
        wait_for_metric(program, "distributedjob_redis_connected", 1.0)


@pytest.fixture
def alone(nodes: tuple[Program, Program], redis: RedisServer) -> Iterator[None]:
    """Redis is dead, and both nodes know it."""
    redis.kill()
    for program in nodes:
        wait_for_metric(program, "distributedjob_redis_connected", 0.0)
    yield
    redis.start()


@pytest.fixture
def hanging(http_target: HttpTarget) -> HttpTarget:
    http_target.default = Hang()
    return http_target


def value_of(program: Program, metric: str) -> float:
    with program.client() as client:
        lines = client.get("/metrics").text.splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith(f"{metric} ")), 0.0)


def wait_for_metric(program: Program, metric: str, wanted: float) -> None:
    deadline = time.monotonic() + 15
    while value_of(program, metric) != wanted:
        assert time.monotonic() < deadline, f"{metric} is not {wanted}"
        time.sleep(0.02)


def cancel_seconds(front: Program, target: HttpTarget, *, times: int) -> list[float]:
    """How long after each cancel on `front` its call on `back` has ended."""
    taken = []
    with front.client() as client:
        task = create(client, target)
        for number in range(times):
            execution = client.post(f"/v1/tasks/{task}/run").json()["id"]
            target.wait_for(number + 1)
            began = time.monotonic()
            assert client.post(f"/v1/executions/{execution}/cancel").status_code == 202
            while client.get(f"/v1/executions/{execution}").json()["state"] != "cancelled":
                assert time.monotonic() - began < 10, "it was not cancelled"
                time.sleep(0.005)
            taken.append(time.monotonic() - began)
    return taken


def create(client: httpx2.Client, target: HttpTarget, **fields: object) -> str:
    body = {"name": f"task {time.monotonic_ns()}", "target": {"url": target.url("/")}, **fields}
    answer = client.post("/v1/tasks", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.mark.usefixtures("connected")
def test_a_cancel_on_one_node_reaches_the_call_on_another_at_once(front, hanging):
    taken = cancel_seconds(front, hanging, times=IN_A_ROW)

    print(f"cancel across nodes with Redis: median {statistics.median(taken) * 1000:.0f} ms, {taken}")
    assert max(taken) < AT_ONCE


@pytest.mark.usefixtures("alone")
def test_a_cancel_reaches_another_node_without_redis_too(front, hanging):
    taken = cancel_seconds(front, hanging, times=2)

    print(f"cancel across nodes without Redis: {taken}")
    assert max(taken) < 2.5


def seconds_until_refused(client: httpx2.Client) -> float:
    began = time.monotonic()
    while client.get("/v1/auth/userinfo").status_code == 200:
        assert time.monotonic() - began < 10, "the token still works"
        time.sleep(0.01)
    return time.monotonic() - began


def log_in(program: Program) -> httpx2.Client:
    credentials = {"username": "admin", "password": program.admin_password}
    answer = httpx2.post(f"{program.base_url}/v1/auth/login", json=credentials, timeout=10, trust_env=False)
    return speaking(program, answer.json()["access_token"])


def speaking(program: Program, token: str) -> httpx2.Client:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx2.Client(base_url=program.base_url, headers=headers, timeout=10, trust_env=False)


@pytest.mark.usefixtures("connected")
def test_a_logout_on_one_node_counts_on_another_at_once(front, back):
    with log_in(front) as here, speaking(back, here.headers["Authorization"].split()[1]) as there:
        assert there.get("/v1/auth/userinfo").status_code == 200
        assert here.post("/v1/auth/logout").status_code == 204
        taken = seconds_until_refused(there)

        assert (here.get("/v1/auth/userinfo").status_code, taken < AT_ONCE) == (401, True), taken


@pytest.mark.usefixtures("alone")
def test_a_logout_counts_on_another_node_within_five_seconds_without_redis(front, back):
    with log_in(front) as here, speaking(back, here.headers["Authorization"].split()[1]) as there:
        assert there.get("/v1/auth/userinfo").status_code == 200
        assert here.post("/v1/auth/logout").status_code == 204
        taken = seconds_until_refused(there)

        assert (here.get("/v1/auth/userinfo").status_code, taken < 5) == (401, True), taken


@pytest.mark.usefixtures("connected")
def test_a_revoked_token_is_dead_on_another_node_at_once(front, back):
    with front.client() as client:
        made = client.post("/v1/auth/tokens", json={"name": "robot"}).json()
        with speaking(back, made["token"]) as robot:
            assert robot.get("/v1/auth/userinfo").status_code == 200
            client.delete(f"/v1/auth/tokens/{made['id']}")

            assert seconds_until_refused(robot) < AT_ONCE


@pytest.mark.usefixtures("connected")
def test_a_task_that_is_saved_on_one_node_fires_on_another_at_once(front, http_target):
    taken = []
    with front.client() as client:
        for number in range(IN_A_ROW):
            began = time.monotonic()
            now = datetime.now(UTC).isoformat()
            create(client, http_target, schedules=[{"kind": "once", "at": now}])
            http_target.wait_for(number + 1)
            taken.append(time.monotonic() - began)

    print(f"save on one node to call from another: median {statistics.median(taken) * 1000:.0f} ms")
    assert max(taken) < AT_ONCE


class Load:
    """Requests to a node from a few clients at once, for as long as a block; what came back, and how slowly."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._done = Event()
        self.statuses: dict[int, int] = {}
        self.slowest = 0.0

    def _ask(self) -> None:
        with self._program.client() as client:
            while not self._done.is_set():
                began = time.monotonic()
                status = client.get("/v1/auth/userinfo").status_code
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.statuses[status] = self.statuses.get(status, 0) + 1

    @contextmanager
    def running(self) -> Iterator[None]:
        threads = [Thread(target=self._ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._done.set()
            for thread in threads:
                thread.join()

    def answered(self, count: int) -> None:
        """Wait for so many more answers."""
        wanted, deadline = sum(self.statuses.values()) + count, time.monotonic() + 15
        while sum(self.statuses.values()) < wanted:
            assert time.monotonic() < deadline
            time.sleep(0.005)


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("fault", ["flush", "kill", "freeze"])
def test_the_api_under_load_does_not_mind_what_becomes_of_redis(front, redis, fault):
    load = Load(front)
    with load.running():
        load.answered(50)
        if fault == "flush":
            flush(redis)
        elif fault == "kill":
            redis.kill()
        else:
            redis.freeze()
        load.answered(200)
        if fault == "kill":
            redis.start()
        redis.thaw()
        wait_for_metric(front, "distributedjob_redis_connected", 1.0)
        load.answered(50)

    print(f"{fault}: {load.statuses}, slowest {load.slowest * 1000:.0f} ms")
    assert (set(load.statuses), load.slowest < 1.0) == ({200}, True), load.slowest


def flush(redis: RedisServer) -> None:
    async def tell() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", redis.port)
        password = redis.url.split(":")[2].split("@")[0]
        writer.write(f"AUTH {password}\r\nFLUSHALL\r\n".encode())
        assert [await reader.readline() for _ in range(2)] == [b"+OK\r\n"] * 2
        writer.close()

    asyncio.run(tell())
