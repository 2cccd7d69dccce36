"""Two real nodes on one database share the shards; what one of them had, the other has soon after its end."""

import asyncio
import json
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from distributedjob.model.instant import from_rfc3339
from distributedjob.store import schema
from support.http_target import HttpTarget, Received
from support.program import Program, pick_free_port
from support.servers import DatabaseServer, open_database

TASKS = 16
"""Each fires every second. That all of them have their shard on one of two nodes happens once in 32,000 runs."""

RECORDED = "distributedjob_executions_recorded_total "


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds by which the first fire of a task after the end of a node was late, at most."""

    terminated: float
    killed: float
    shared: int
    """How many fires the first node recorded while both lived."""


class Duo:
    """Two nodes, and the calls of their tasks."""

    def __init__(self, nodes: tuple[Program, Program], target: HttpTarget) -> None:
        self.nodes = nodes
        self.target = target

    def start(self, *nodes: Program) -> None:
        for node in nodes:
            node.start()
        for node in nodes:
            node.wait_until_ready()

    def add_tasks(self) -> None:
        with self.nodes[0].client() as client, ThreadPoolExecutor(4) as pool:
            for answer in pool.map(lambda number: client.post("/v1/tasks", json=self._task(number)), range(TASKS)):
                assert answer.status_code == 201, answer.text

    def _task(self, number: int) -> dict[str, object]:
        target = {"kind": "http", "method": "POST", "url": self.target.url(f"/{number}")}
        schedule = {"kind": "interval", "every_seconds": 1}
        return {"name": f"task {number}", "target": target, "schedules": [schedule]}

    def wait_for_all(self, *, after: int, timeout_seconds: float = 30.0) -> float:
        """Wait until each task has been called for a fire after that instant; how late the first such was at most."""
        deadline = time.monotonic() + timeout_seconds
        while len(late := self._first_lateness(after)) < TASKS:
            assert time.monotonic() < deadline, f"{len(late)} of {TASKS} tasks were called:\n{self.nodes[1].log_text()}"
            time.sleep(0.05)
        return max(late.values())

    def count_recorded(self, node: Program) -> int:
        """How many fires this node has recorded since its start."""
        with node.client() as client:
            lines = client.get("/metrics").text.splitlines()
        return next(int(float(line.split()[1])) for line in lines if line.startswith(RECORDED))

    def _first_lateness(self, after: int) -> dict[str, float]:
        first: dict[str, float] = {}
        for call in sorted(self.target.requests, key=fire_of):
            if fire_of(call) > after:
                first.setdefault(call.path, (call.arrived_at - fire_of(call)) / 1_000_000)
        return first


def fire_of(call: Received) -> int:
    return from_rfc3339(call.header("x-distributedjob-fire-at") or "")


def now() -> int:
    return time.time_ns() // 1_000


@contextmanager
def open_duo(folder: Path, *, server: DatabaseServer, settings: dict[str, str]) -> Iterator[Duo]:
    with ExitStack() as stack:
        url = server.url(stack.enter_context(open_database(server)))
        asyncio.run(schema.upgrade(url))
        target = HttpTarget()
        target.start()
        stack.callback(target.stop)
        settings = {"DISTRIBUTEDJOB_DATABASE_URL": url, "DISTRIBUTEDJOB_ALLOW_PRIVATE_TARGETS": "true", **settings}
        nodes = tuple(Program(folder / name, port=pick_free_port(), settings=settings) for name in ("one", "two"))
        for node in nodes:
            stack.callback(node.close)
        yield Duo((nodes[0], nodes[1]), target)


@pytest.fixture(scope="module", params=["etcd", "table"])
def figures(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, mariadb_server: DatabaseServer
) -> Figures:
    """Two nodes, with etcd and without: one is stopped in order, comes back, and is killed."""
    settings = {}
    if request.param == "etcd":
        endpoints: tuple[str, ...] = request.getfixturevalue("etcd_endpoints")
        settings["DISTRIBUTEDJOB_ETCD_ENDPOINTS"] = json.dumps(endpoints)
        settings["DISTRIBUTEDJOB_ETCD_PREFIX"] = f"test-{secrets.token_hex(6)}"
    with open_duo(tmp_path_factory.mktemp(request.param), server=mariadb_server, settings=settings) as duo:
        duo.start(*duo.nodes)
        duo.add_tasks()
        duo.wait_for_all(after=now())
        asked = now()
        duo.nodes[0].child.terminate()
        terminated = duo.wait_for_all(after=asked)
        assert duo.nodes[0].child.wait(timeout=30) == 0
        duo.start(duo.nodes[0])
        duo.wait_for_all(after=now() + 2_000_000)
        shared = duo.count_recorded(duo.nodes[0])
        died = now()
        duo.nodes[0].kill()
        killed = duo.wait_for_all(after=died)
    print(f"\n{request.param}: SIGTERM {terminated:.2f} s, SIGKILL {killed:.2f} s")
    return Figures(terminated, killed, shared)


def test_the_nodes_share_the_work(figures: Figures) -> None:
    assert figures.shared > 0


def test_a_scheduler_that_is_stopped_hands_over_in_time(figures: Figures) -> None:
    assert figures.terminated <= 1.5


def test_the_shards_of_a_scheduler_that_is_killed_are_taken_in_time(
    figures: Figures, request: pytest.FixtureRequest
) -> None:
    assert figures.killed <= (7 if "etcd" in request.node.name else 8)
