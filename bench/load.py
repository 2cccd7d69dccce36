"""Tasks to measure with, and the fires they owe: the one place that knows the rows and documents of a task.

A document is encoded once per load by the program's own codec with placeholders, and filled per row, so that a million
tasks are written in seconds. Each task calls the sink at `/t/<number>`, from where its arrivals are told apart.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bench.arrivals import Fire
from bench.database import Database
from distributedjob.model.identity import ROOT_DEPARTMENT
from distributedjob.model.instant import DAY, SECOND, Instant, to_datetime
from distributedjob.model.schedule import CronTiming, IntervalTiming, Schedule, Timing
from distributedjob.model.target import HttpMethod, HttpTarget
from distributedjob.model.task import TaskDefinition, shard_of
from distributedjob.store.codec import encode_definition, encode_schedule

FIRST_TASK, FIRST_SCHEDULE = 1_000_000_000, 2_000_000_000
"""Ids of a load; far below what the program makes for itself."""
MARK = 7_777_777_777_777
"""Stands for a number that differs per task in an encoded document."""
TASK_COLUMNS = ("id", "department_id", "name", "revision", "enabled", "created_at", "updated_at", "updated_by")
REVISION_COLUMNS = ("task_id", "revision", "definition", "created_at", "created_by")
SCHEDULE_COLUMNS = (
    "id", "task_id", "department_id", "revision", "shard", "next_fire_at", "fires_left", "seed", "definition",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Load:
    """`tasks` tasks of one schedule each. Fire `k` of task `i` is at `first_at + i × spread + k × every` (µs).

    With `limit` each schedule ends after so many fires.
    """

    tasks: int
    first_at: Instant
    every: int = SECOND
    spread: int = 0
    limit: int | None = None

    def first_of(self, number: int) -> Instant:
        return self.first_at + number * self.spread

    def timing_of(self, number: int) -> Timing:
        """All at one second as cron, as people write it; spread as intervals with an anchor each."""
        if self.spread:
            return IntervalTiming(timedelta(microseconds=self.every), self.first_of(number))
        return CronTiming(_cron(self.first_at, every=self.every))

    def fires(self, since: Instant, until: Instant) -> set[Fire]:
        """What must arrive for fire times in [since, until)."""
        return {
            (number, at)
            for number in range(self.tasks)
            for at in range(self._first_from(number, since), until, self.every)
        }

    def _first_from(self, number: int, since: Instant) -> Instant:
        first = self.first_of(number)
        return first + max(0, -(-(since - first) // self.every)) * self.every


def every_second(tasks: int, *, first_at: Instant) -> Load:
    """`tasks` tasks with `* * * * * *`: all of them at every whole second."""
    return Load(tasks, first_at - first_at % SECOND)


def evenly(tasks: int, *, first_at: Instant, limit: int | None = None) -> Load:
    """`tasks` fires a second, one every 1/`tasks` s; each task `limit` times."""
    return Load(tasks, first_at, spread=SECOND // tasks, limit=limit)


def all_at(tasks: int, *, first_at: Instant) -> Load:
    """A herd: `tasks` tasks at one second of the day."""
    return Load(tasks, first_at - first_at % SECOND, every=DAY)


def idle(tasks: int, *, now: Instant) -> Load:
    """Hourly schedules whose next fire is a month away or more."""
    return Load(tasks, now + 30 * DAY, every=3_600 * SECOND, spread=1_000)


def insert(load: Load, *, sink_url: str, into: Database) -> None:
    """Write the load's rows, with cursors at each task's first fire."""
    with into.open_writer() as writer:
        for table, columns, rows in (
            ("task", TASK_COLUMNS, _tasks(load)),
            ("task_revision", REVISION_COLUMNS, _revisions(load, sink_url)),
            ("schedule", SCHEDULE_COLUMNS, _schedules(load)),
        ):
            writer.insert(table, columns, rows)


def _cron(at: Instant, *, every: int) -> str:
    if every == SECOND:
        return "* * * * * *"
    moment = to_datetime(at)
    return f"{moment.second} {moment.minute} {moment.hour} * * *"


def _tasks(load: Load) -> Iterator[tuple[Any, ...]]:
    for number in range(load.tasks):
        yield FIRST_TASK + number, ROOT_DEPARTMENT, f"bench {number}", 1, True, load.first_at, load.first_at, "bench"


def _revisions(load: Load, sink_url: str) -> Iterator[tuple[Any, ...]]:
    target = HttpTarget(f"{sink_url}{MARK}", HttpMethod.POST)
    template = encode_definition(TaskDefinition(f"bench {MARK}", target, schedules=(_marked(load),)))
    for number, schedule in enumerate(_documents(load)):
        text = template.replace(encode_schedule(_marked(load)), schedule).replace(str(MARK), str(number))
        yield FIRST_TASK + number, 1, text, load.first_at, "bench"


def _schedules(load: Load) -> Iterable[tuple[Any, ...]]:
    for number, text in enumerate(_documents(load)):
        task_id = FIRST_TASK + number
        yield (
            FIRST_SCHEDULE + number, task_id, ROOT_DEPARTMENT, 1, shard_of(task_id), load.first_of(number), load.limit,
            number, text,
        )  # fmt: skip


def _documents(load: Load) -> Iterator[str]:
    """The encoded schedule of each task in turn."""
    template, anchor = encode_schedule(_marked(load)), str(MARK + 2)
    for number in range(load.tasks):
        text = template.replace(str(MARK), str(FIRST_SCHEDULE + number)).replace(str(MARK + 1), str(number))
        yield text.replace(anchor, str(load.first_of(number)))


def _marked(load: Load) -> Schedule:
    timing = load.timing_of(0)
    if isinstance(timing, IntervalTiming):
        timing = IntervalTiming(timing.every, MARK + 2)
    return Schedule(MARK, timing, MARK + 1)
