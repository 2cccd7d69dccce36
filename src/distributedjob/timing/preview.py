"""The next fires of a schedule before it is saved, with what is odd about each and what to know about all."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum

from distributedjob.model.instant import Instant, to_datetime, to_rfc3339
from distributedjob.model.schedule import CronTiming, IntervalFrom, IntervalTiming, Schedule
from distributedjob.timing.cautions import cautions_of
from distributedjob.timing.describe import describe
from distributedjob.timing.timetable import CronTimetable, next_fire, next_fire_after_end, timetable_of
from distributedjob.timing.words import Language
from distributedjob.timing.zones import shown_zone


class FireFlag(StrEnum):
    """`dst_gap`: the time of day does not exist, the fire was moved here. `dst_repeat`: this time of day occurs twice.

    `jitter`: the start is delayed by up to the schedule's jitter. `estimate`: depends on when executions end.
    """

    DST_GAP = "dst_gap"
    DST_REPEAT = "dst_repeat"
    JITTER = "jitter"
    ESTIMATE = "estimate"


@dataclass(frozen=True, slots=True)
class PreviewFire:
    """`local_text` is RFC 3339 with the offset of the schedule's zone."""

    at: Instant
    local_text: str
    flags: tuple[FireFlag, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    fires: tuple[PreviewFire, ...]
    description: str
    warnings: tuple[str, ...]


def preview(schedule: Schedule, *, after: Instant, count: int, language: Language = Language.EN) -> Preview:
    """Up to `count` fires after an instant, fewer where window or `max_fires` end first.

    Raises `CronError`, `ZoneError`, or ValueError for an interval that is not positive.
    """
    if schedule.max_fires is not None:
        count = min(count, schedule.max_fires)
    fires = tuple(_fires(schedule, after, count))
    return Preview(
        fires=tuple(_show(schedule, fire) for fire in fires),
        description=describe(schedule.timing, language),
        warnings=cautions_of(schedule, after=after, fires=fires, language=language),
    )


def _fires(schedule: Schedule, after: Instant, count: int) -> Iterator[Instant]:
    fire_at = next_fire(schedule, after) if count > 0 else None
    while fire_at is not None:
        yield fire_at
        count -= 1
        if count == 0:
            return
        fire_at = next_fire_after_end(schedule, fire_at) if _from_end(schedule) else next_fire(schedule, fire_at)


def _show(schedule: Schedule, fire_at: Instant) -> PreviewFire:
    timing = schedule.timing
    flags = []
    zone = shown_zone(timing)
    if isinstance(timing, CronTiming):
        timetable = timetable_of(timing, seed=schedule.seed)
        assert isinstance(timetable, CronTimetable)
        if timetable.moved_to(fire_at):
            flags.append(FireFlag.DST_GAP)
        if _shown_twice(fire_at, zone):
            flags.append(FireFlag.DST_REPEAT)
    if schedule.jitter:
        flags.append(FireFlag.JITTER)
    if _from_end(schedule):
        flags.append(FireFlag.ESTIMATE)
    return PreviewFire(fire_at, to_rfc3339(fire_at, zone), tuple(flags))


def _shown_twice(instant: Instant, zone: tzinfo) -> bool:
    local = to_datetime(instant, zone)
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def _from_end(schedule: Schedule) -> bool:
    return isinstance(schedule.timing, IntervalTiming) and schedule.timing.interval_from is IntervalFrom.END
