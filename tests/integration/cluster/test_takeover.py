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

import httpx2
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
        """Wait until each task has been called for a fire after that instant; how late any such was at most."""
        deadline = time.monotonic() + timeout_seconds
        while len(late := self._lateness(after)) < TASKS:
            assert time.monotonic() < deadline, f"{len(late)} of {TASKS} tasks were called:\n{self.nodes[1].log_text()}"
            time.sleep(0.05)
        return max(late.values())

    def wait_for_a_share(self, node: Program, *, timeout_seconds: float = 15.0) -> int:
        """Wait until this node has recorded for long enough to be the only owner of its shards; how many fires."""
        deadline = time.monotonic() + timeout_seconds
        with node.client() as client:
            while (recorded := self._count_recorded(client)) < TASKS and time.monotonic() < deadline:
                time.sleep(0.05)
        return recorded

    def _count_recorded(self, client: httpx2.Client) -> int:
        lines = client.get("/metrics").text.splitlines()
        return next(int(float(line.split()[1])) for line in lines if line.startswith(RECORDED))

    def _lateness(self, after: int) -> dict[str, float]:
        """By task: the seconds by which its fires after that instant were late, at most."""
        late: dict[str, float] = {}
        for call in self.target.requests:
            if fire_of(call) > after:
                seconds = (call.arrived_at - fire_of(call)) / 1_000_000
                late[call.path] = max(seconds, late.get(call.path, 0.0))
        return late


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


def live_through(duo: Duo) -> Figures:
    """One of two nodes is stopped in order, comes back, and is killed."""
    duo.start(*duo.nodes)
    duo.add_tasks()
    duo.wait_for_all(after=now())
    asked = now()
    duo.nodes[0].child.terminate()
    terminated = duo.wait_for_all(after=asked)
    assert duo.nodes[0].child.wait(timeout=30) == 0
    duo.start(duo.nodes[0])
    shared = duo.wait_for_a_share(duo.nodes[0])
    died = now()
    duo.nodes[0].kill()
    return Figures(terminated, duo.wait_for_all(after=died), shared)


@pytest.fixture(scope="module")
def all_figures(
    tmp_path_factory: pytest.TempPathFactory, mariadb_server: DatabaseServer, etcd_endpoints: tuple[str, ...]
) -> dict[str, Figures]:
    """With etcd and without, at the same time: most of it is waiting."""
    etcd = {
        "DISTRIBUTEDJOB_ETCD_ENDPOINTS": json.dumps(etcd_endpoints),
        "DISTRIBUTEDJOB_ETCD_PREFIX": f"test-{secrets.token_hex(6)}",
    }
    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        duos = {
            name: stack.enter_context(open_duo(tmp_path_factory.mktemp(name), server=mariadb_server, settings=settings))
            for name, settings in (("etcd", etcd), ("table", {}))
        }
        lives = {name: pool.submit(live_through, duo) for name, duo in duos.items()}
        figures = {name: life.result() for name, life in lives.items()}
    for name, found in figures.items():
        print(f"\n{name}: SIGTERM {found.terminated:.2f} s, SIGKILL {found.killed:.2f} s")
    return figures


@pytest.mark.parametrize("way", ["etcd", "table"])
def test_the_nodes_share_the_work(all_figures: dict[str, Figures], way: str) -> None:
    assert all_figures[way].shared > 0


@pytest.mark.parametrize("way", ["etcd", "table"])
def test_a_scheduler_that_is_stopped_hands_over_in_time(all_figures: dict[str, Figures], way: str) -> None:
    assert all_figures[way].terminated <= 1.5


@pytest.mark.parametrize(("way", "seconds"), [("etcd", 7), ("table", 8)])
def test_the_shards_of_a_scheduler_that_is_killed_are_taken_in_time(
    all_figures: dict[str, Figures], way: str, seconds: float
) -> None:
    assert all_figures[way].killed <= seconds
