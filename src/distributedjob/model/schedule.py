"""When a task fires: cron, interval or once, with window, limit, jitter and misfire rule."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from distributedjob.model.instant import Instant
from distributedjob.model.policies import MisfirePolicy


class CronDialect(StrEnum):
    """How weekday numbers and the two day fields are read."""

    UNIX = "unix"
    QUARTZ = "quartz"


class GapRule(StrEnum):
    """What becomes of a fixed time of day that the clocks jump over."""

    RUN_AT_TRANSITION = "run_at_transition"
    SKIP = "skip"
    SHIFT_BY_GAP = "shift_by_gap"


class RepeatRule(StrEnum):
    """Which of the two instants counts when a fixed time of day occurs twice."""

    FIRST = "first"
    SECOND = "second"
    BOTH = "both"


class IntervalFrom(StrEnum):
    """Whether an interval counts from its anchor or from the end of the last execution."""

    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True)
class CronTiming:
    expression: str
    dialect: CronDialect = CronDialect.UNIX
    time_zone: str = "UTC"
    dst_gap: GapRule = GapRule.RUN_AT_TRANSITION
    dst_repeat: RepeatRule = RepeatRule.FIRST


@dataclass(frozen=True, slots=True)
class IntervalTiming:
    every: timedelta
    anchor_at: Instant
    interval_from: IntervalFrom = IntervalFrom.START


@dataclass(frozen=True, slots=True)
class OnceTiming:
    at: Instant


Timing = CronTiming | IntervalTiming | OnceTiming


@dataclass(frozen=True, slots=True)
class Schedule:
    """One schedule of a task.

    `seed` (0 ≤ seed < 2⁶³) fixes `H` and jitter for the life of the schedule. `start_at` is inclusive,
    `end_at` exclusive. `max_fires` counts executions, not skipped or missed fires.
    `misfire` overrides the task's policy.
    """

    id: int
    timing: Timing
    seed: int
    key: str | None = None
    enabled: bool = True
    start_at: Instant | None = None
    end_at: Instant | None = None
    max_fires: int | None = None
    jitter: timedelta = timedelta(0)
    misfire: MisfirePolicy | None = None
