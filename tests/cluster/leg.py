"""One leg: start everything, let it work under troubles, come to rest, and gather what all sides know."""

import asyncio
import random
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path

import pymysql

from cluster.author import RUN_EVERY_SECONDS, Author
from cluster.field import Field
from cluster.ground import Ground, open_ground
from cluster.history import Edited
from cluster.shape import Shape
from cluster.tasks import busy_tasks, edited_tasks
from cluster.trouble import Trouble
from cluster.vitals import Watch
from rig.arrivals import read_calls
from rig.facts import Evidence
from rig.ledger import Ledger, MysqlDatabase
from rig.node import SOURCE
from rig.person import Answered
from rig.target import open_sink
from rig.watch import LOOK_SECONDS, beside, rest
from rig.workload import Made, TaskSpec
from support.mariadb_server import OPERATOR

CALM_SECONDS = 5.0
PAUSE_SECONDS = (3.0, 5.0)
REST_SECONDS = 90.0
PATIENCE_SECONDS = 150.0
"""A person who asks goes on through the longest outage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """What to run. The troubles come one after the other, with a pause in between."""

    name: str
    shape: Shape
    troubles: Sequence[Trouble]
    tasks: Sequence[TaskSpec] = busy_tasks()
    edited: Sequence[TaskSpec] = edited_tasks()
    seed: int = 1
    calm_seconds: float = CALM_SECONDS
    """Work without harm before and after it."""
    rest_seconds: float = REST_SECONDS
    """How long everything may take to end once no fire is due any more."""
    pause_seconds: tuple[float, float] = PAUSE_SECONDS
    runners: int = 1
    run_every_seconds: tuple[float, float] = RUN_EVERY_SECONDS
    """So many at a time run tasks by hand, each so often."""

    @property
    def planned(self) -> int:
        """How many faults it does."""
        return sum(trouble.count for trouble in self.troubles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    evidence: Evidence
    not_reached: dict[str, int]
    errors: tuple[str, ...]
    """Sentences about the program's own faults: answers 5xx, exit codes other than 0, lost acknowledgements."""
    seconds: float
    load: tuple[float, float]
    """The machine's load average over the leg: its mean, its highest."""
    longest_stall: float


async def run_leg(leg: Leg, *, folder: Path, source: Path = SOURCE) -> Outcome:
    """Run it in `folder` (which keeps all logs and books) with the program in `source`."""
    folder.mkdir(parents=True, exist_ok=True)
    began, chance = time.monotonic(), random.Random(leg.seed)
    async with (
        open_sink(folder / "arrivals.log", seed=leg.seed) as sink,
        open_ground(leg.shape, folder=folder, source=source) as ground,
    ):
        ledger = Ledger(MysqlDatabase(ground.mariadb.url(user=OPERATOR)))
        apis = [node for node in ground.nodes if node.has_api]
        author = Author(nodes=apis, chance=chance, patience_seconds=PATIENCE_SECONDS, sink_port=sink.port)
        field = Field(ground, chance, count_running=ledger.count_running)
        watch = Watch(ground.members)
        made = await _make(leg, author)
        async with beside(watch.run(), look_through_outages(ledger)):
            async with asyncio.TaskGroup() as habits:
                for habit in _habits(leg, author, made):
                    habits.create_task(habit)
                await asyncio.sleep(leg.calm_seconds)
                await _trouble_all(leg, field)
                await asyncio.sleep(leg.calm_seconds)
                author.stop()
            paused = await _pause_all(author, made)
            await rest(ledger, seconds=leg.rest_seconds)
            tasks = [await author.look_at(edited) for edited in author.edited]
        await _stop_all(ground, field)
        await author.close()
        await sink.stop()
        plans = [task.plan((answer.asked_at, answer.answered_at)) for task, answer in paused]
        evidence = Evidence(
            plans=(*plans, *(edited.plan() for edited in author.edited)),
            calls=read_calls(folder / "arrivals.log"),
            rows=ledger.read_rows(),
            attempts=ledger.read_attempts(),
            sessions=ledger.read_sessions(),
            faults=tuple(field.faults),
            cancels=tuple(author.cancels),
            sightings=ledger.sightings,
            leftovers=ledger.read_leftovers(),
            runs=tuple(author.runs),
            tasks=tuple(tasks),
            vitals=tuple(watch.vitals),
        )
    return Outcome(
        evidence=evidence,
        not_reached=dict(field.not_reached),
        errors=(*author.errors, *field.errors),
        seconds=time.monotonic() - began,
        load=(sum(watch.loads) / max(1, len(watch.loads)), max(watch.loads, default=0.0)),
        longest_stall=watch.longest_stall,
    )


async def _make(leg: Leg, author: Author) -> list[Made]:
    await author.log_in()
    for spec in leg.edited:
        await author.make_for_editing(spec)
    return [await author.make(spec) for spec in leg.tasks]


def _habits(leg: Leg, author: Author, made: list[Made]) -> list[Coroutine[None, None, None]]:
    runs = [author.run_now_and_then(made, every_seconds=leg.run_every_seconds) for _ in range(leg.runners)]
    if not author.edited:
        return runs
    return [*runs, author.cancel_now_and_then(), author.create_now_and_then(), author.edit_now_and_then()]


async def _trouble_all(leg: Leg, field: Field) -> None:
    for trouble in leg.troubles:
        await trouble.strike(field)
        await asyncio.sleep(field.chance.uniform(*leg.pause_seconds))


async def _pause_all(author: Author, made: list[Made]) -> list[tuple[Made, Answered]]:
    """Pause every task, those too whose creation nobody acknowledged."""
    known: list[Made | Edited] = [*made, *author.created, *author.edited]
    await author.pause_strangers({task.task_id for task in known})
    for edited in author.edited:
        await author.pause(edited)
    return [(task, await author.disable_task(task.task_id)) for task in (*made, *author.created)]


async def look_through_outages(ledger: Ledger) -> None:
    """Note each terminal state soon after it came about; with the database away, when it is back."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            await asyncio.to_thread(ledger.look)
        except (pymysql.MySQLError, OSError):
            continue


async def _stop_all(ground: Ground, field: Field) -> None:
    """Workers last, as an operator does: what is pending may still end."""
    for member in ground.members:
        await field.stop(member)
