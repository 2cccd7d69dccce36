"""The legs: the full campaign, its short form for every test run, and small ones that each catch one kind of fault."""

import random
from collections.abc import Callable

from faults.leg import Leg
from faults.nemesis import (
    CrashAt,
    CutDatabase,
    Death,
    Freeze,
    KillWithoutDatabase,
    LoseCommits,
    RandomKill,
    RestartNode,
    SlowDatabase,
    StallDatabase,
    Trouble,
    plan_deaths,
)
from rig.oracle import Interval
from rig.workload import ANCHOR, TaskSpec, fifty_tasks

TWO = 2


def campaign(*, kills: int, database_url: str | None, seed: int) -> Leg:
    """`kills` deaths; on a server, where two nodes share the work, then freezes and every trouble with the database."""
    chance = random.Random(seed)
    troubles: tuple[Trouble, ...] = (RestartNode(), Freeze(8.0))
    if database_url:
        troubles = (
            *[Freeze()] * 4,
            CutDatabase(10.0),
            KillWithoutDatabase(),
            KillWithoutDatabase(),
            CutDatabase(20.0, everywhere=False),
            CutDatabase(20.0, everywhere=False),
            StallDatabase(8.0),
            StallDatabase(8.0),
            SlowDatabase(8.0),
            LoseCommits(8),
            RestartNode(),
            RestartNode(),
        )
    return Leg(
        name="campaign",
        tasks=fifty_tasks(),
        deaths=plan_deaths(kills, chance=chance),
        troubles=troubles,
        database_url=database_url,
        nodes=TWO if database_url else 1,
        seed=seed,
    )


def smoke(*, database_url: str | None, seed: int = 11) -> Leg:
    """The campaign's short form: some deaths, and on a server one cut and some lost answers to COMMITs."""
    deaths: list[Death] = [
        RandomKill(),
        CrashAt("after_commit", 20),
        CrashAt("before_commit", 25),
        CrashAt("after_send", 30),
    ]
    if not database_url:
        deaths += [CrashAt("before_result", 12), RandomKill()]
    return Leg(
        name="smoke",
        tasks=fifty_tasks(),
        deaths=deaths,
        troubles=(KillWithoutDatabase(), LoseCommits(2)) if database_url else (),
        database_url=database_url,
        nodes=TWO if database_url else 1,
        seed=seed,
    )


def _quiet_answers(database_url: str | None) -> Leg:
    """Nothing is harmed; the sink answers 500, hangs and closes: calls and results must be told apart."""
    script = "ok40-error25-close20-hang15"
    tasks = tuple(
        TaskSpec(name=f"{method.lower()}-{n}", script=script, method=method, max_attempts=3, timeout_seconds=1.0)
        for method in ("POST", "PUT")
        for n in range(4)
    )
    return Leg(
        name="answers", tasks=tasks, calm_seconds=4.0, cancels=False, rest_seconds=30.0, database_url=database_url
    )


def _deaths_between_commits(database_url: str | None) -> Leg:
    """The process dies around its commits, again and again, while fires come ten times a second."""
    tasks = tuple(
        TaskSpec(name=f"often-{n}", timing=Interval(1.0, ANCHOR + n * 100_000), script="ok") for n in range(10)
    )
    deaths = tuple(CrashAt(point, passage) for passage in (3, 11) for point in ("after_commit", "after_record"))
    return Leg(name="commits", tasks=tasks, deaths=deaths, cancels=False, rest_seconds=30.0, database_url=database_url)


def _lost_hints(database_url: str | None) -> Leg:
    """The process dies with retries waiting and their hints in memory: only pulling finds them again."""
    tasks = tuple(
        TaskSpec(name=f"hinted-{n}", script="error.ok", max_attempts=9, retry_base_seconds=2.0) for n in range(20)
    )
    deaths = [RandomKill()] * 3
    return Leg(name="hints", tasks=tasks, deaths=deaths, cancels=False, rest_seconds=15.0, database_url=database_url)


def _frozen_holder(database_url: str | None) -> Leg:
    """A node freezes with calls in the air; others take them over and end them otherwise; then it wakes up."""
    tasks = tuple(
        TaskSpec(name=f"frozen-{n}", script="slow.error", max_attempts=2, timeout_seconds=4.0) for n in range(30)
    )
    return Leg(
        name="frozen",
        tasks=tasks,
        troubles=(Freeze(26.0),),
        cancels=False,
        rest_seconds=40.0,
        database_url=database_url,
        nodes=TWO,
    )


LEGS: dict[str, Callable[[str | None], Leg]] = {
    "answers": _quiet_answers,
    "commits": _deaths_between_commits,
    "hints": _lost_hints,
    "frozen": _frozen_holder,
}
