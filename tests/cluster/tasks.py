"""The tasks of a leg: every policy whose promise a fault could break, on two queues, most of them once a second."""

from dataclasses import replace
from typing import Any

from cluster.shape import QUEUES
from rig.oracle import Cron, FromEnd, Interval
from rig.workload import ANCHOR, SLOWLY, TaskSpec

LONG = "slow60-ok40"
"""Calls that are in the air when somebody dies."""


def busy_tasks() -> tuple[TaskSpec, ...]:
    """About 33 fires a second."""
    kinds: tuple[tuple[str, int, dict[str, Any]], ...] = (
        ("steady", 8, {}),
        ("long", 6, {"script": LONG}),
        ("put", 3, {"method": "PUT"}),
        ("once", 5, {"delivery": "at_most_once", "script": LONG}),
        ("skip", 3, {"overlap": "skip", "script": SLOWLY}),
        ("wait", 3, {"overlap": "wait", "script": SLOWLY}),
        ("second", 2, {"timing": Cron("*/2 * * * * *")}),
        ("ended", 2, {"timing": FromEnd(1.0)}),
    )
    plain = [TaskSpec(name=f"{name}-{n}", **changes) for name, count, changes in kinds for n in range(count)]
    spread = [TaskSpec(name=f"interval-{n}", timing=Interval(1.0, ANCHOR + n * 170_000)) for n in range(5)]
    return (*_on_both_queues(plain), *spread, *_impatient())


def edited_tasks() -> tuple[TaskSpec, ...]:
    """Tasks that the person changes while the leg runs. Their script always succeeds, so that each fire is called."""
    return tuple(
        TaskSpec(name=f"edited-{n}", timing=Interval(1.0, ANCHOR + n * 90_000), script="ok", tag="-v0")
        for n in range(6)
    )


def _on_both_queues(specs: list[TaskSpec]) -> list[TaskSpec]:
    return [replace(spec, queue=QUEUES[number % 3 == 2]) for number, spec in enumerate(specs)]


def _impatient() -> tuple[TaskSpec, ...]:
    """A grace so short that an outage exceeds it: the misfire rules decide."""
    return tuple(
        TaskSpec(name=f"impatient-{rule}", script="ok", policies={"misfire": rule, "misfire_grace_seconds": 1})
        for rule in ("latest", "all", "skip")
    )
