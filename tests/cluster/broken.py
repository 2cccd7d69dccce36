"""The broken builds of this campaign, and the small legs that must catch them: `Leg: <name>`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from cluster import report
from cluster.leg import Leg, run_leg
from cluster.neighbour_troubles import Lose
from cluster.network_troubles import PULLING, LoseCommit
from cluster.node_troubles import Kill, WrongClock
from cluster.report import Figures
from cluster.shape import KAFKA, PULL, TWICE, WORKER, Shape
from cluster.tasks import LONG
from cluster.trouble import Trouble
from rig.broken import BrokenBuild, read_broken_builds
from rig.workload import TaskSpec

BUILDS = read_broken_builds(Path(__file__).parent / "broken")


async def try_to_catch(build: BrokenBuild, *, folder: Path) -> Figures:
    """Run the leg that the build names against it, in `folder`. Raises DoesNotApply."""
    leg = LEGS[build.leg]()
    outcome = await run_leg(leg, folder=folder / "leg", source=build.build(folder))
    report.keep(outcome, folder)
    figures = report.figures_of(leg, outcome)
    report.write(figures, folder)
    return figures


def _leg(name: str, shape: Shape, *troubles: Trouble, script: str = LONG, count: int = 20, **policies: Any) -> Leg:
    """Tasks of one kind, once a second; nobody edits them."""
    tasks = tuple(TaskSpec(name=f"{name.replace(' ', '-')}-{n}", script=script, **policies) for n in range(count))
    return Leg(
        name=name,
        shape=shape,
        troubles=troubles,
        tasks=tasks,
        edited=(),
        seed=5,
        rest_seconds=25.0,
        pause_seconds=(1.0, 2.0),
    )


def clocks() -> Leg:
    """Wall clocks that are a minute wrong, and nothing else."""
    return _leg("clocks", PULL, WrongClock(60), WrongClock(-60), script="ok")


def lost_workers() -> Leg:
    return _leg("lost workers", PULL, Kill(WORKER), Kill(WORKER))


def unanswered() -> Leg:
    """Workers whose claims are committed and not answered."""
    return _leg("unanswered", PULL, *[LoseCommit(WORKER, PULLING)] * 8)


def once() -> Leg:
    """Workers that die in mid-call of what must not be called again."""
    return _leg("once", PULL, Kill(WORKER), Kill(WORKER), Kill(WORKER), delivery="at_most_once")


def twice() -> Leg:
    """Two owners of every shard, which plan the same fires at the same moment."""
    return _leg("twice", TWICE, script="ok")


def lost_broker() -> Leg:
    """Hints that are lost with the broker that had them."""
    return _leg("lost broker", KAFKA, Lose("kafka", "wipe", 2.0), Lose("kafka", "kill", 3.0), script="ok")


def crowded_gates() -> Leg:
    """Many who want through the same gates at the same moment, on two nodes."""
    leg = _leg("crowded gates", PULL, script="slow", count=4, overlap="skip")
    return replace(leg, runners=12, run_every_seconds=(0.02, 0.1))


LEGS: dict[str, Callable[[], Leg]] = {
    "clocks": clocks,
    "lost workers": lost_workers,
    "unanswered": unanswered,
    "once": once,
    "twice": twice,
    "lost broker": lost_broker,
    "crowded gates": crowded_gates,
}
