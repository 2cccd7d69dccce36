"""Minute zero: ten thousand tasks due at the same second. How long until the last is called, and is any lost?"""

from statistics import median

from bench.database import open_sqlite
from bench.load import all_at
from bench.report import Figure, at_most
from bench.scenarios.lateness import floor_of
from bench.settings import Mode
from bench.sink import Sink
from bench.trial import now, run_trial
from distributedjob.model.instant import SECOND

TASKS = 10_000
PATIENCE_SECONDS = 20


def measure(mode: Mode, sink: Sink) -> list[Figure]:
    verdicts = [
        run_trial(
            lambda first_at: all_at(TASKS, first_at=first_at),
            tasks=TASKS,
            seconds=1,
            sink=sink,
            open_database=open_sqlite,
            warm_seconds=0,
            settle_seconds=PATIENCE_SECONDS,
        ).verdict
        for _ in range(mode.repeats)
    ]
    floor = floor_of(all_at(TASKS, first_at=now() + 3 * SECOND), sink=sink, seconds=1)
    last = [verdict.last / 1_000 for verdict in verdicts]
    return [
        Figure("herd of 10,000: last call after", median(last), "s", at_most(4), floor.last / 1_000),
        Figure("herd: lost or doubled", sum(v.lost + v.doubled for v in verdicts), "fires", at_most(0)),
    ]
