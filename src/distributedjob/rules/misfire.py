"""What becomes of the fires that are due: recorded one by one, missed in one range, or caught up later.

Judged at recording, for all due fires of one schedule at once; the caller moves the cursor in the same
transaction, so each fire gets exactly one decision.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from distributedjob.model.instant import Instant, micros
from distributedjob.model.policies import MisfireMode, MisfirePolicy

COUNT_LIMIT = 10_000
"""Missed fires are counted exactly up to here."""

LIVE_LIMIT = 50
"""Live fires of one schedule in one pass; the rest stays due for the next pass."""

Step = Callable[[Instant], Instant | None]


@dataclass(frozen=True, slots=True)
class Range:
    """Fires from `first_at` to `last_at`, both included. `exact` is False when there are more than `count`."""

    first_at: Instant
    last_at: Instant
    count: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """The decisions for one schedule, and where its cursor goes. `misfired_at` is one execution of an old fire."""

    live: tuple[Instant, ...]
    next_fire_at: Instant | None
    fires_left: int | None
    misfired_at: Instant | None = None
    missed: Range | None = None
    catch_up: Range | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A schedule whose cursor is not after `now`. `next_after` and `previous_before` walk its fires."""

    cursor: Instant
    fires_left: int | None
    policy: MisfirePolicy
    next_after: Step
    previous_before: Step


def plan(due: Due, *, now: Instant) -> Plan:
    """Decide every fire from the cursor up to `now`, both included."""
    threshold = now - micros(due.policy.grace)
    if due.fires_left is not None and due.fires_left <= 0:
        return Plan((), None, 0)
    if due.cursor >= threshold:
        return _live(due, first_at=due.cursor, now=now, fires_left=due.fires_left)
    return _with_misfires(due, threshold=threshold, now=now)


def _live(due: Due, *, first_at: Instant | None, now: Instant, fires_left: int | None) -> Plan:
    limit = LIVE_LIMIT if fires_left is None else min(LIVE_LIMIT, fires_left)
    fires: list[Instant] = []
    fire_at = first_at
    while fire_at is not None and fire_at <= now and len(fires) < limit:
        fires.append(fire_at)
        fire_at = due.next_after(fire_at)
    left = None if fires_left is None else fires_left - len(fires)
    return Plan(tuple(fires), None if left == 0 else fire_at, left)


def _with_misfires(due: Due, *, threshold: Instant, now: Instant) -> Plan:
    newest = due.previous_before(threshold)
    newest = due.cursor if newest is None or newest < due.cursor else newest
    match due.policy.mode:
        case MisfireMode.SKIP:
            return _skip(due, newest=newest, now=now)
        case MisfireMode.LATEST:
            return _latest(due, newest=newest, now=now)
        case MisfireMode.ALL:
            return _all(due, newest=newest, now=now)


def _skip(due: Due, *, newest: Instant, now: Instant) -> Plan:
    live = _live(due, first_at=due.next_after(newest), now=now, fires_left=due.fires_left)
    return _all_missed(due, live, newest=newest)


def _all_missed(due: Due, live: Plan, *, newest: Instant) -> Plan:
    return replace(live, missed=count_fires(due.next_after, first_at=due.cursor, last_at=newest))


def _latest(due: Due, *, newest: Instant, now: Instant) -> Plan:
    live = _live(due, first_at=due.next_after(newest), now=now, fires_left=due.fires_left)
    max_age = due.policy.max_age
    if live.live or (max_age is not None and now - newest > micros(max_age)):
        return _all_missed(due, live, newest=newest)
    left = None if due.fires_left is None else due.fires_left - 1
    next_fire_at = None if left == 0 else live.next_fire_at
    return Plan((), next_fire_at, left, misfired_at=newest, missed=_missed_before(due, newest))


def _all(due: Due, *, newest: Instant, now: Instant) -> Plan:
    limit = due.policy.max_fires if due.fires_left is None else min(due.policy.max_fires, due.fires_left)
    oldest = max(due.cursor, now - micros(due.policy.catchup_window))
    first_at, count = newest, 0
    fire_at: Instant | None = newest
    while fire_at is not None and fire_at >= oldest and count < limit:
        first_at, count = fire_at, count + 1
        fire_at = due.previous_before(fire_at)
    if count == 0:
        return _skip(due, newest=newest, now=now)
    left = None if due.fires_left is None else due.fires_left - count
    rest = Plan((), None, 0) if left == 0 else _live(due, first_at=due.next_after(newest), now=now, fires_left=left)
    return replace(rest, missed=_missed_before(due, first_at), catch_up=Range(first_at, newest, count))


def _missed_before(due: Due, fire_at: Instant) -> Range | None:
    """What is due before `fire_at`. A cursor that the timetable no longer knows is still a fire that was due."""
    if fire_at <= due.cursor:
        return None
    before = due.previous_before(fire_at)
    last_at = due.cursor if before is None else max(before, due.cursor)
    return count_fires(due.next_after, first_at=due.cursor, last_at=last_at)


def count_fires(next_after: Step, *, first_at: Instant, last_at: Instant) -> Range:
    """The range from one fire to another, with its count up to COUNT_LIMIT."""
    count = 1
    fire_at: Instant | None = first_at
    while fire_at is not None and fire_at < last_at and count < COUNT_LIMIT:
        fire_at = next_after(fire_at)
        if fire_at is not None and fire_at <= last_at:
            count += 1
    return Range(first_at, last_at, count, exact=fire_at is None or fire_at >= last_at)
