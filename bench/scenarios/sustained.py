"""The highest rate that holds: executions per second with p99 lateness below a second, none lost, none doubled.

Two shapes: all tasks at every whole second (`* * * * * *`), and one fire every 1/N s. A rung is a fresh database and
a fresh start. The ladder begins at the rate that must hold, goes up while short trials hold, and confirms the top one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import takewhile

from bench.database import open_mariadb, open_sqlite
from bench.floor import calls_per_second
from bench.load import Load, evenly, every_second
from bench.program import open_program
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
    """Also the rung that the ladder begins at."""


GROUNDS = (
    _Ground("SQLite, 1 process", open_sqlite, nodes=1, must_hold=3_000),
    _Ground("MariaDB, 2 processes", open_mariadb, nodes=2, must_hold=4_000),
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
    def attempt(rate: int, seconds: int) -> Trial:
        return run_trial(
            lambda first_at: load(rate, first_at=first_at),
            tasks=rate,
            seconds=seconds,
            sink=sink,
            open_database=ground.open_database,
            open_subject=partial(open_program, nodes=ground.nodes),
        )

    best, trials = climb(sorted({*mode.rungs, ground.must_hold}), start=ground.must_hold, mode=mode, attempt=attempt)
    note = "; ".join(f"{rate}/s for {seconds} s: {_words(trial)}" for (rate, seconds), trial in trials.items())
    name = f"{shape}, {ground.name}"
    figures = [Figure(f"sustained, {name}", best, "executions/s", at_least(ground.must_hold), floor, note)]
    if best:
        cpu = trials[best, mode.sustained_seconds].cpu_us_per_execution
        figures.append(Figure(f"CPU of the program, {name}", cpu, "µs/execution", floor=1e6 / floor))
    return figures


Trials = dict[tuple[int, int], Trial]
"""By (rate, seconds), in the order they were made."""


def climb(rungs: list[int], *, start: int, mode: Mode, attempt: Callable[[int, int], Trial]) -> tuple[int, Trials]:
    """The highest rung that holds for the full time, 0 if none does; and every trial made on the way.

    Short trials go up from `start`; from the last that held, full ones go down until one holds.
    """
    trials: Trials = {}

    def holds(rate: int, seconds: int) -> bool:
        if (rate, seconds) not in trials:
            trials[rate, seconds] = attempt(rate, seconds)
        verdict = trials[rate, seconds].verdict
        return verdict.nothing_lost and verdict.p99 < LATENESS_MS

    upwards = rungs[rungs.index(start) :]
    held = sum(1 for _ in takewhile(lambda rate: holds(rate, mode.probe_seconds), upwards))
    top = rungs.index(start) + held
    downwards = reversed(rungs[:top])
    return next((rate for rate in downwards if holds(rate, mode.sustained_seconds)), 0), trials


def _words(trial: Trial) -> str:
    verdict = trial.verdict
    fault = f", {verdict.lost} lost, {verdict.doubled} doubled" if not verdict.nothing_lost else ""
    return f"p99 {verdict.p99:.0f} ms{fault}"
