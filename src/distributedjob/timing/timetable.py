"""Which instants a schedule fires at.

A timetable answers two questions, both without state that a caller could see: the first fire strictly after an
instant and the last one strictly before it. Answers are whole seconds for cron; entries that meet at one instant
after a jump of the clock are one fire. Compiled timetables are kept, so asking by `Timing` is cheap.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from distributedjob.model.instant import MAX_INSTANT, SECOND, Instant, micros
from distributedjob.model.schedule import CronTiming, IntervalFrom, IntervalTiming, OnceTiming, Schedule, Timing
from distributedjob.timing.cron import CronExpression, ensure_it_can_fire, parse_cron
from distributedjob.timing.lanes import REACH, RHYTHM, ClockRules, lane_at
from distributedjob.timing.pattern import Pattern
from distributedjob.timing.zones import END_OF_ALL, get_zone


class Timetable(Protocol):
    def next_after(self, instant: Instant) -> Instant | None:
        """The first fire strictly after an instant; None when there is none."""

    def previous_before(self, instant: Instant) -> Instant | None:
        """The last fire strictly before an instant; None when there is none."""


class CronTimetable:
    """The fires of a cron pattern on the clock of a zone, from 1970 to 2199.

    `_calm` remembers the last stretch (start, end, offset; UTC seconds) in which no jump is near: within it the
    pattern alone decides, which is nearly always the case.
    """

    __slots__ = ("_calm", "pattern", "rules", "zone")

    def __init__(self, pattern: Pattern, *, zone: str, rules: ClockRules) -> None:
        self.pattern = pattern
        self.zone = zone
        self.rules = rules
        self._calm = (0, 0, 0)

    def next_after(self, instant: Instant) -> Instant | None:
        second = instant // SECOND + 1
        start, end, offset = self._calm
        if start <= second < end:
            local = self.pattern.first_from(second + offset)
            if local is not None and local - offset < end:
                return (local - offset) * SECOND
        found = self._search_from(second)
        return None if found is None else found * SECOND

    def previous_before(self, instant: Instant) -> Instant | None:
        second = (instant - 1) // SECOND
        start, end, offset = self._calm
        if start <= second < end:
            local = self.pattern.last_until(second + offset)
            if local is not None and local - offset >= start:
                return (local - offset) * SECOND
        found = self._search_until(second)
        return None if found is None else found * SECOND

    def moved_to(self, instant: Instant) -> bool:
        """Whether a fire at this instant stands, alone or among others, for a time of day that does not exist."""
        second = instant // SECOND
        gap = lane_at(self.zone, second, self.rules).gap
        return gap is not None and gap.first_from(second, self.pattern) == second

    def _search_from(self, second: int) -> int | None:
        """Lane by lane; where the pattern has nothing for long, the search goes there at once."""
        while second < END_OF_ALL:
            lane = lane_at(self.zone, second, self.rules)
            found = lane.first_from(second, self.pattern)
            if found is not None:
                self._calm = (lane.calm_from, lane.closes, lane.offset)
                return found
            local = self.pattern.first_from(lane.end - REACH)
            if local is None:
                break
            second = max(lane.end, local - REACH)
        return None

    def _search_until(self, second: int) -> int | None:
        second = min(second, END_OF_ALL - 1)
        while second >= 0:
            lane = lane_at(self.zone, second, self.rules)
            found = lane.last_until(second, self.pattern)
            if found is not None:
                self._calm = (lane.calm_from, lane.closes, lane.offset)
                return found
            local = self.pattern.last_until(lane.start + REACH)
            if local is None:
                break
            second = min(lane.start - 1, local + REACH)
        return None


@dataclass(frozen=True, slots=True)
class IntervalTimetable:
    """anchor, anchor + every, anchor + 2 · every, … Microseconds."""

    every: int
    anchor_at: Instant

    def next_after(self, instant: Instant) -> Instant | None:
        if instant < self.anchor_at:
            return self.anchor_at
        return _reachable(self.anchor_at + ((instant - self.anchor_at) // self.every + 1) * self.every)

    def previous_before(self, instant: Instant) -> Instant | None:
        if instant <= self.anchor_at:
            return None
        return self.anchor_at + (instant - 1 - self.anchor_at) // self.every * self.every


@dataclass(frozen=True, slots=True)
class AfterEndTimetable:
    """`every` after the end of the last execution. Only that end is known, never the fires beyond it."""

    every: int
    anchor_at: Instant

    def next_after(self, instant: Instant) -> Instant | None:
        """The fire to come if nothing has run yet: the anchor, or a full interval from `instant`."""
        return self.anchor_at if instant < self.anchor_at else self.next_after_end(instant)

    def next_after_end(self, ended_at: Instant) -> Instant | None:
        """The fire to come when the last execution ended at `ended_at`; never before the anchor."""
        return _reachable(max(self.anchor_at, ended_at + self.every))

    def previous_before(self, _instant: Instant) -> Instant | None:
        """Nothing: the fires of the past are in the executions."""
        return None


@dataclass(frozen=True, slots=True)
class OnceTimetable:
    at: Instant

    def next_after(self, instant: Instant) -> Instant | None:
        return self.at if instant < self.at else None

    def previous_before(self, instant: Instant) -> Instant | None:
        return self.at if self.at < instant else None


def timetable_of(timing: Timing, *, seed: int) -> Timetable:
    """The compiled timetable; raises `CronError`, `ZoneError`, or ValueError for an interval that is not positive."""
    match timing:
        case CronTiming():
            return _seedless_timetable(timing) or _seeded_timetable(timing, seed)
        case IntervalTiming():
            return _interval_timetable(timing)
        case OnceTiming(at=at):
            return OnceTimetable(at)


@lru_cache(maxsize=16_384)
def _seedless_timetable(timing: CronTiming) -> CronTimetable | None:
    """None when the expression holds an `H`."""
    expression = parse_cron(timing.expression, dialect=timing.dialect)
    return None if expression.hashed else _compile(expression, expression.pattern(0), timing)


@lru_cache(maxsize=16_384)
def _seeded_timetable(timing: CronTiming, seed: int) -> CronTimetable:
    expression = parse_cron(timing.expression, dialect=timing.dialect)
    pattern = expression.pattern(seed)
    ensure_it_can_fire(expression, pattern=pattern)
    return _compile(expression, pattern, timing)


def _compile(expression: CronExpression, pattern: Pattern, timing: CronTiming) -> CronTimetable:
    get_zone(timing.time_zone)
    rules = RHYTHM if expression.keeps_rhythm else ClockRules(timing.dst_gap, timing.dst_repeat)
    return CronTimetable(pattern, zone=timing.time_zone, rules=rules)


def _interval_timetable(timing: IntervalTiming) -> IntervalTimetable | AfterEndTimetable:
    every = micros(timing.every)
    if every <= 0:
        raise ValueError(f"an interval must be positive, found {timing.every}")
    if timing.interval_from is IntervalFrom.END:
        return AfterEndTimetable(every, timing.anchor_at)
    return IntervalTimetable(every, timing.anchor_at)


def next_fire(schedule: Schedule, after: Instant) -> Instant | None:
    """The first fire of a schedule strictly after an instant and in its window, from `start_at` to before `end_at`."""
    timetable = timetable_of(schedule.timing, seed=schedule.seed)
    start_at = schedule.start_at
    if start_at is not None and after < start_at:
        if isinstance(timetable, AfterEndTimetable):
            return _inside(schedule, max(start_at, timetable.anchor_at))
        after = start_at - 1
    return _inside(schedule, timetable.next_after(after))


def next_fire_after_end(schedule: Schedule, ended_at: Instant) -> Instant | None:
    """For an interval from the end: the fire that follows an execution which ended at `ended_at`."""
    timetable = timetable_of(schedule.timing, seed=schedule.seed)
    if not isinstance(timetable, AfterEndTimetable):
        raise TypeError(f"schedule {schedule.id} does not count from the end of its executions")
    found = timetable.next_after_end(ended_at)
    if found is not None and schedule.start_at is not None:
        found = max(found, schedule.start_at)
    return _inside(schedule, found)


def previous_fire(schedule: Schedule, before: Instant) -> Instant | None:
    """The last fire of a schedule strictly before an instant and inside its window."""
    if schedule.end_at is not None:
        before = min(before, schedule.end_at)
    found = timetable_of(schedule.timing, seed=schedule.seed).previous_before(before)
    return None if found is None or (schedule.start_at is not None and found < schedule.start_at) else found


def _inside(schedule: Schedule, fire_at: Instant | None) -> Instant | None:
    if fire_at is None or (schedule.end_at is not None and fire_at >= schedule.end_at):
        return None
    return fire_at


def _reachable(instant: Instant) -> Instant | None:
    return instant if instant <= MAX_INSTANT else None
