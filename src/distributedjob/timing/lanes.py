"""From a zone's jumps and a schedule's rules to lanes: stretches of time in which local time runs straight.

A lane reaches from one jump of the zone's clock to the next (blocks of years cut it), so lanes cover all time and
the search forwards and the search backwards are a few lines over the same data. The daylight saving rules are told
once, when the lanes of a block are built:

    rhythm, skip, both   every time that a lane shows can fire
    first                after a jump back a lane opens late, when the repeated times are over
    second               before a jump back a lane closes early, when the repeated times begin
    shift_by_gap         the times of the gap fire in the lane after it, with the offset from before the jump
    run_at_transition    any number of times in the gap make one fire, at the jump itself
"""

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from distributedjob.model.schedule import GapRule, RepeatRule
from distributedjob.timing.pattern import Pattern
from distributedjob.timing.zones import Jump, block_bounds, block_of, get_zone, jumps_between, offset_at

REACH = 2 * 86_400
"""More than the largest UTC offset and the widest jump of a clock (one day, at the date line) together."""


@dataclass(frozen=True, slots=True)
class ClockRules:
    """What the clock's jumps do to the entries of an expression."""

    gap: GapRule
    repeat: RepeatRule


RHYTHM = ClockRules(GapRule.SKIP, RepeatRule.BOTH)
"""Entries that keep their rhythm: what the clock shows is what counts, each time that it shows it."""


@dataclass(frozen=True, slots=True)
class Gap:
    """The times that a jump forward leaves out and that fire all the same; `rule` is not `skip`."""

    jump: Jump
    rule: GapRule

    @property
    def end(self) -> int:
        """The UTC second at which the last of its fires is over."""
        return self.jump.at + (self.jump.width if self.rule is GapRule.SHIFT_BY_GAP else 1)

    def first_from(self, second: int, pattern: Pattern) -> int | None:
        if self.rule is GapRule.RUN_AT_TRANSITION:
            return self._at_jump(pattern) if second <= self.jump.at else None
        local = pattern.first_from(max(second, self.jump.at) + self.jump.before)
        return None if local is None or local >= self.jump.local_after else local - self.jump.before

    def last_until(self, second: int, pattern: Pattern) -> int | None:
        if self.rule is GapRule.RUN_AT_TRANSITION:
            return self._at_jump(pattern) if second >= self.jump.at else None
        local = pattern.last_until(min(second + self.jump.before, self.jump.local_after - 1))
        return None if local is None or local < self.jump.local_before else local - self.jump.before

    def _at_jump(self, pattern: Pattern) -> int | None:
        local = pattern.first_from(self.jump.local_before)
        return self.jump.at if local is not None and local < self.jump.local_after else None


@dataclass(frozen=True, slots=True)
class Lane:
    """UTC seconds [start, end) in which local time is UTC + `offset`; it fires in [opens, closes) and in its gap."""

    start: int
    end: int
    offset: int
    opens: int
    closes: int
    gap: Gap | None = None

    @property
    def calm_from(self) -> int:
        """From here to `closes` the pattern alone decides."""
        return max(self.opens, self.gap.end) if self.gap else self.opens

    def first_from(self, second: int, pattern: Pattern) -> int | None:
        """The first fire of this lane at or after a UTC second."""
        local = pattern.first_from(max(second, self.opens) + self.offset)
        found = None if local is None or local >= self.closes + self.offset else local - self.offset
        in_gap = self.gap.first_from(max(second, self.start), pattern) if self.gap else None
        if in_gap is None or in_gap >= self.end:
            return found
        return in_gap if found is None else min(found, in_gap)

    def last_until(self, second: int, pattern: Pattern) -> int | None:
        """The last fire of this lane at or before a UTC second."""
        local = pattern.last_until(min(second, self.closes - 1) + self.offset)
        found = None if local is None or local < self.opens + self.offset else local - self.offset
        in_gap = self.gap.last_until(min(second, self.end - 1), pattern) if self.gap else None
        if in_gap is None or in_gap < self.start:
            return found
        return in_gap if found is None else max(found, in_gap)


def lane_at(zone: str, second: int, rules: ClockRules) -> Lane:
    """The lane that holds a UTC second; raises `ZoneError`."""
    ends, lanes = lanes_of(zone, block_of(second), rules)
    return lanes[bisect_right(ends, second)]


@lru_cache(maxsize=4096)
def lanes_of(zone: str, block: int, rules: ClockRules) -> tuple[tuple[int, ...], tuple[Lane, ...]]:
    """The ends of the lanes and the lanes of one block of years, which they fill."""
    start, end = block_bounds(block)
    jumps = _jumps_around(zone, block)
    offset = jumps[0].before if jumps else offset_at(get_zone(zone), start)
    last_offset = jumps[-1].after if jumps else offset
    stops = (Jump(start - REACH, offset, offset), *jumps, Jump(end + REACH, last_offset, last_offset))
    lanes = (_cut(_lane(*stop, rules=rules), start, end) for stop in pairwise(stops))
    kept = tuple(lane for lane in lanes if lane.start < lane.end)
    return tuple(lane.end for lane in kept), kept


@lru_cache(maxsize=4096)
def _jumps_around(zone: str, block: int) -> tuple[Jump, ...]:
    start, end = block_bounds(block)
    return jumps_between(zone, start - REACH, end + REACH)


def _lane(jump: Jump, following: Jump, *, rules: ClockRules) -> Lane:
    opens, closes, gap = jump.at, following.at, None
    if jump.width < 0 and rules.repeat is RepeatRule.FIRST:
        opens -= jump.width
    if following.width < 0 and rules.repeat is RepeatRule.SECOND:
        closes += following.width
    if jump.width > 0 and rules.gap is not GapRule.SKIP:
        gap = Gap(jump, rules.gap)
    return Lane(jump.at, following.at, jump.after, opens, closes, gap)


def _cut(lane: Lane, start: int, end: int) -> Lane:
    gap = lane.gap if lane.gap and lane.gap.end > start else None
    return Lane(
        max(lane.start, start), min(lane.end, end), lane.offset, max(lane.opens, start), min(lane.closes, end), gap
    )
