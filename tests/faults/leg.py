"""One leg: start everything, let it work under harm, come to rest, and gather what all sides know."""

import asyncio
import contextlib
import random
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from faults.arrivals import read_calls
from faults.facts import Evidence
from faults.ledger import Connect, Ledger, MysqlDatabase, SqliteFile
from faults.nemesis import Death, Nemesis, Trouble
from faults.node import SOURCE, Node
from faults.person import Person
from faults.proxy import Proxy
from faults.workload import Made, TaskSpec
from support.program import pick_free_port

LOOK_SECONDS = 1.0
REST_SECONDS = 75.0
CALM_SECONDS = 3.0
_TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """What to run. Without `database_url` it is one node on SQLite; with one, `nodes` on that empty database."""

    name: str
    tasks: Sequence[TaskSpec]
    deaths: Sequence[Death] = ()
    troubles: Sequence[Trouble] = ()
    database_url: str | None = None
    nodes: int = 1
    seed: int = 1
    cancels: bool = True
    calm_seconds: float = CALM_SECONDS
    """Work without harm before and after it."""
    rest_seconds: float = REST_SECONDS
    """How long everything may take to end once no fire is due any more."""

    @property
    def planned(self) -> int:
        """How many faults it does."""
        return len(self.deaths) + sum(trouble.times(self.nodes) for trouble in self.troubles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    evidence: Evidence
    not_reached: dict[str, int]
    errors: tuple[str, ...]
    """Sentences about the program's own faults: answers 5xx, exit codes other than 0."""


async def run_leg(leg: Leg, *, folder: Path, source: Path = SOURCE) -> Outcome:
    """Run it in `folder` (which keeps all logs and books) with the program in `source`."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(leg.seed)
    async with _open_sink(folder / "arrivals.log", seed=leg.seed) as sink, _open_nodes(leg, folder, source) as ground:
        nodes, proxies, connect = ground
        ledger = Ledger(connect)
        person = Person(nodes=nodes, chance=chance)
        nemesis = Nemesis(nodes=nodes, proxies=proxies, chance=chance, count_running=ledger.count_running)
        made = await _make_tasks(leg, person, sink.port)
        async with _beside(_look_often(ledger), *([person.cancel_now_and_then()] if leg.cancels else [])):
            await asyncio.sleep(leg.calm_seconds)
            await nemesis.kill_all(leg.deaths)
            await nemesis.trouble_all(leg.troubles)
            await _wait_until_all_ready(nodes)
            await asyncio.sleep(leg.calm_seconds)
        disabled = [await person.disable_task(task.task_id) for task in made]
        await _rest(ledger, seconds=leg.rest_seconds)
        codes = {node.name: await node.terminate() for node in nodes}
        await person.close()
        await sink.stop()
        evidence = Evidence(
            plans=tuple(
                task.plan((answer.asked_at, answer.answered_at)) for task, answer in zip(made, disabled, strict=True)
            ),
            calls=read_calls(folder / "arrivals.log"),
            rows=ledger.read_rows(),
            attempts=ledger.read_attempts(),
            sessions=ledger.read_sessions(),
            faults=tuple(nemesis.faults),
            cancels=tuple(person.cancels),
            sightings=ledger.sightings,
            leftovers=ledger.read_leftovers(),
        )
    exits = tuple(f"{name} ended with exit code {code} after SIGTERM" for name, code in codes.items() if code != 0)
    return Outcome(evidence=evidence, not_reached=dict(nemesis.not_reached), errors=(*person.errors, *exits))


async def _make_tasks(leg: Leg, person: Person, sink_port: int) -> list[Made]:
    await person.log_in()
    made = []
    for spec in leg.tasks:
        answer = await person.create_task(spec.as_request(sink_port=sink_port))
        (schedule,) = answer.body["schedules"]
        made.append(
            Made(
                spec=spec,
                task_id=int(answer.body["id"]),
                schedule_id=int(schedule["id"]),
                asked_at=answer.asked_at,
                answered_at=answer.answered_at,
            )
        )
    return made


async def _wait_until_all_ready(nodes: Sequence[Node]) -> None:
    for node in nodes:
        await node.wait_until_ready()


async def _look_often(ledger: Ledger) -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        await asyncio.to_thread(ledger.look)


async def _rest(ledger: Ledger, *, seconds: float) -> None:
    """Wait until nothing is open; what still is when the time is up, the checker finds in the rows."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while await asyncio.to_thread(ledger.count_open):
                await asyncio.sleep(LOOK_SECONDS / 2)
    await asyncio.to_thread(ledger.look)


@asynccontextmanager
async def _beside(*lives: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run these for as long as the block lasts; a failure of one ends the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(life) for life in lives]
        yield
        for task in tasks:
            task.cancel()


@dataclass(frozen=True, slots=True)
class _Sink:
    child: asyncio.subprocess.Process
    port: int

    async def stop(self) -> None:
        if self.child.returncode is None:
            self.child.send_signal(signal.SIGTERM)
            await self.child.wait()


@asynccontextmanager
async def _open_sink(log: Path, *, seed: int) -> AsyncIterator[_Sink]:
    command = (sys.executable, "-m", "faults.sink", "--log", str(log), "--seed", str(seed))
    child = await asyncio.create_subprocess_exec(*command, cwd=_TESTS, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    sink = _Sink(child, int(await child.stdout.readline()))
    try:
        yield sink
    finally:
        await sink.stop()


@asynccontextmanager
async def _open_nodes(leg: Leg, folder: Path, source: Path) -> AsyncIterator[tuple[list[Node], list[Proxy], Connect]]:
    """Started and ready; whatever still runs at the end is killed."""
    proxies = [_proxy_of(leg.database_url) for _ in range(leg.nodes)] if leg.database_url else []
    nodes = []
    try:
        for proxy in proxies:
            await proxy.start()
        for number in range(leg.nodes):
            settings = _settings(leg.database_url, proxies[number].port) if leg.database_url else {}
            name = f"node-{number + 1}"
            nodes.append(Node(name, folder / name, pick_free_port(), settings, source))
        if leg.database_url:
            await nodes[0].upgrade_database()
        for node in nodes:
            await node.start()
        await _wait_until_all_ready(nodes)
        yield nodes, proxies, (MysqlDatabase(leg.database_url) if leg.database_url else SqliteFile(nodes[0].data_dir))
    finally:
        for node in nodes:
            await node.close()
        for proxy in proxies:
            await proxy.close()


def _proxy_of(database_url: str) -> Proxy:
    parts = urlsplit(database_url)
    return Proxy(parts.hostname or "127.0.0.1", parts.port or 3306)


def _settings(database_url: str, port: int) -> dict[str, str]:
    """Every node owns every shard, so that two of them meet at each fire."""
    parts = urlsplit(database_url)
    behind = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}")
    return {
        "DISTRIBUTEDJOB_DATABASE_URL": behind.geturl(),
        "DISTRIBUTEDJOB_OWN_ALL_SHARDS": "true",
        "DISTRIBUTEDJOB_ALLOW_PRIVATE_TARGETS": "true",
    }
