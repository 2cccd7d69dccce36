"""The highest rate that holds: executions per second with p99 lateness below a second, none lost, none doubled.

Two shapes: all tasks at every whole second (`* * * * * *`), and one fire every 1/N s. A rung is a fresh database and
a fresh start. The ladder begins at the rate that must hold and goes up from there while it holds, else down.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bench.database import open_mariadb, open_sqlite
from bench.floor import calls_per_second
from bench.load import Load, evenly, every_second
from bench.report import Figure, at_least
from bench.settings import Mode
from bench.sink import Sink
from bench.trial import OpenDatabase, Trial, run_trial

LATENESS_MS = 1_000.0
FLOOR_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class _Ground:
    name: str
    open_database: OpenDatabase
    nodes: int
    must_hold: int
    start: int
    """The rung that the ladder begins at."""


GROUNDS = (
    _Ground("SQLite, 1 process", open_sqlite, nodes=1, must_hold=3_000, start=3_000),
    _Ground("MariaDB, 2 processes", open_mariadb, nodes=2, must_hold=4_000, start=4_000),
)
SHAPES: dict[str, Callable[..., Load]] = {"every second": every_second, "spread": evenly}


def measure(mode: Mode, sink: Sink) -> list[Figure]:
    floor = calls_per_second(sink_url=sink.url, seconds=FLOOR_SECONDS)
    figures: list[Figure] = []
    for ground in GROUNDS:
        for shape, load in SHAPES.items():
            figures += _ladder(ground, shape, load, mode=mode, sink=sink, floor=floor)
    return figures


def _ladder(
    ground: _Ground, shape: str, load: Callable[..., Load], *, mode: Mode, sink: Sink, floor: float
) -> list[Figure]:
    def attempt(rate: int) -> Trial:
        return run_trial(
            lambda first_at: load(rate, first_at=first_at),
            tasks=rate,
            seconds=mode.sustained_seconds,
            sink=sink,
            open_database=ground.open_database,
            nodes=ground.nodes,
        )

    rungs = sorted({*mode.rungs, ground.start})
    best, trials = climb(rungs, start=ground.start, attempt=attempt)
    note = "; ".join(f"{rate}/s p99 {trial.verdict.p99:.0f} ms" for rate, trial in sorted(trials.items()))
    name = f"sustained, {shape}, {ground.name}"
    figures = [Figure(name, best, "executions/s", at_least(ground.must_hold), floor, note)]
    if best:
        cpu = trials[best].cpu_us_per_execution
        figures.append(Figure(f"CPU per execution, {shape}, {ground.name}", cpu, "µs", floor=1e6 / floor))
    return figures


def climb(rungs: list[int], *, start: int, attempt: Callable[[int], Trial]) -> tuple[int, dict[int, Trial]]:
    """The highest rung that holds (0 if none), and every trial made on the way."""
    trials: dict[int, Trial] = {}
    place = rungs.index(start)
    trials[start] = attempt(start)
    if _holds(trials[start]):
        for rate in rungs[place + 1 :]:
            trials[rate] = attempt(rate)
            if not _holds(trials[rate]):
                break
    else:
        for rate in reversed(rungs[:place]):
            trials[rate] = attempt(rate)
            if _holds(trials[rate]):
                break
    return max((rate for rate, trial in trials.items() if _holds(trial)), default=0), trials


def _holds(trial: Trial) -> bool:
    return trial.verdict.nothing_lost and trial.verdict.p99 < LATENESS_MS
