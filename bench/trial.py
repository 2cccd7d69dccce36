"""One trial: a load on a fresh database, the program on it, and the verdict over a window of fire times."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from bench.arrivals import Verdict, judge
from bench.database import Database
from bench.load import Load, insert
from bench.meter import Usage, cores_used
from bench.program import open_program
from bench.schema import prepare_schema
from bench.sink import Sink
from distributedjob.model.instant import SECOND, Instant


class Subject(Protocol):
    """What is measured: one program, or several nodes."""

    def usage(self) -> Usage: ...


OpenDatabase = Callable[[], AbstractContextManager[Database]]
OpenSubject = Callable[[Database], AbstractContextManager[Subject]]
MakeLoad = Callable[[Instant], Load]
"""From the first fire time."""

WARM_SECONDS = 2
SETTLE_SECONDS = 15
"""How long after the last fire time its call may still come in: late is not lost. Waited for only what is missing."""
NOTICE_SECONDS = 1.2
"""The program looks for new schedules once a second; rows that come later would be late by no fault of its own."""


@dataclass(frozen=True, slots=True)
class Trial:
    verdict: Verdict
    cores: float
    cpu_us_per_execution: float
    resident_mb: float


def run_trial(
    make_load: MakeLoad,
    *,
    tasks: int,
    seconds: int,
    sink: Sink,
    open_database: OpenDatabase,
    open_subject: OpenSubject = open_program,
    warm_seconds: int = WARM_SECONDS,
    settle_seconds: int = SETTLE_SECONDS,
) -> Trial:
    """Judge the fires of `seconds` after `warm_seconds` of the load's own. Everything due before is not looked at."""
    since = len(sink.log)
    with open_database() as database:
        prepare_schema(database)
        with open_subject(database) as program:
            load = make_load(now() + round(_lead_seconds(tasks) * SECOND))
            begin = load.first_at + warm_seconds * SECOND
            end = begin + seconds * SECOND
            # Laid out before the first fire: half a million tuples must not be made while the program is measured.
            expected = load.fires(begin, end)
            insert(load, sink_url=sink.url, into=database)
            if now() > load.first_at - NOTICE_SECONDS * SECOND:
                raise RuntimeError("the rows were not written in time for the first fire; is the machine overloaded?")
            sleep_until(begin)
            before = program.usage()
            sleep_until(end)
            after = program.usage()
            arrivals = sink.log.collect(expected, since=since, timeout_seconds=settle_seconds)
    verdict = judge(arrivals, expected=expected)
    cpu = (after.cpu_seconds - before.cpu_seconds) * 1e6 / len(expected)
    return Trial(verdict, cores_used(before, after), cpu, after.resident_mb)


def now() -> Instant:
    return time.time_ns() // 1_000


def sleep_until(instant: Instant) -> None:
    time.sleep(max(0.0, (instant - now()) / SECOND))


def _lead_seconds(tasks: int) -> float:
    """Room for writing the rows before the first fire."""
    return 3 + tasks / 4_000
