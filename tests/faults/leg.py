"""One leg: start everything, let it work under harm, come to rest, and gather what all sides know."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from faults.nemesis import Death, Nemesis, Trouble
from rig.arrivals import read_calls
from rig.facts import Evidence
from rig.ledger import Connect, Ledger, MysqlDatabase, SqliteFile
from rig.node import SOURCE, Node
from rig.person import Person
from rig.proxy import Proxy
from rig.target import open_sink
from rig.watch import beside, look_often, rest
from rig.workload import Made, TaskSpec
from support.program import pick_free_port

REST_SECONDS = 75.0
CALM_SECONDS = 3.0


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
    async with open_sink(folder / "arrivals.log", seed=leg.seed) as sink, _open_nodes(leg, folder, source) as ground:
        nodes, proxies, connect = ground
        ledger = Ledger(connect)
        person = Person(nodes=nodes, chance=chance)
        nemesis = Nemesis(nodes=nodes, proxies=proxies, chance=chance, count_running=ledger.count_running)
        made = await _make_tasks(leg, person, sink.port)
        async with beside(look_often(ledger), *([person.cancel_now_and_then()] if leg.cancels else [])):
            await asyncio.sleep(leg.calm_seconds)
            await nemesis.kill_all(leg.deaths)
            await nemesis.trouble_all(leg.troubles)
            await _wait_until_all_ready(nodes)
            await asyncio.sleep(leg.calm_seconds)
        disabled = [await person.disable_task(task.task_id) for task in made]
        await rest(ledger, seconds=leg.rest_seconds)
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
