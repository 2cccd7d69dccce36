"""A task as somebody asks for it, and how its schedules find those that exist.

A schedule that is recognised keeps its row, its seed and its anchor, so that a save which leaves it as it was
changes nothing about its fires.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from distributedjob.model.errors import Invalid
from distributedjob.model.instant import Instant
from distributedjob.model.schedule import CronTiming, IntervalTiming, Schedule, Timing
from distributedjob.model.task import TaskDefinition
from distributedjob.timing.fields import CronError
from distributedjob.timing.timetable import timetable_of

NEW = 0
SEED_TRIES = 16


@dataclass(frozen=True, slots=True)
class ScheduleDraft:
    """`wanted` has id `NEW` unless it names one, and no seed yet. Without `anchored` its anchor is ours to choose."""

    wanted: Schedule
    anchored: bool = True


@dataclass(frozen=True, slots=True)
class TaskDraft:
    """`definition` holds everything but the schedules."""

    definition: TaskDefinition
    schedules: tuple[ScheduleDraft, ...]

    def settle(self, stored: Sequence[Schedule], *, now: Instant, new_id: Callable[[], int]) -> TaskDefinition:
        """The definition with ids, seeds and anchors; Invalid when the schedules contradict each other."""
        found = match(self.schedules, stored)
        schedules = (
            _settled(draft, known, now=now, new_id=new_id) for draft, known in zip(self.schedules, found, strict=True)
        )
        return replace(self.definition, schedules=tuple(schedules))


def draft_of(definition: TaskDefinition) -> TaskDraft:
    """A draft that changes nothing."""
    drafts = tuple(ScheduleDraft(schedule) for schedule in definition.schedules)
    return TaskDraft(replace(definition, schedules=()), drafts)


def match(drafts: Sequence[ScheduleDraft], stored: Sequence[Schedule]) -> list[Schedule | None]:
    """For each draft the stored schedule that it continues: by id, then by key, then by equal definition."""
    _refuse_repeats(drafts)
    free = {schedule.id: schedule for schedule in stored}
    found: list[Schedule | None] = [None] * len(drafts)
    for place, draft in enumerate(drafts):
        if draft.wanted.id != NEW:
            found[place] = free.pop(draft.wanted.id, None)
            if found[place] is None:
                message = f"this task has no schedule {draft.wanted.id}; leave the id out to add one"
                raise Invalid.one(f"schedules[{place}].id", message)
    for place, draft in enumerate(drafts):
        if found[place] is None and draft.wanted.key is not None:
            found[place] = _take(free, [s for s in free.values() if s.key == draft.wanted.key])
    for place, draft in enumerate(drafts):
        if found[place] is None:
            found[place] = _take(free, [s for s in free.values() if _equal(draft, s)])
    return found


def _refuse_repeats(drafts: Sequence[ScheduleDraft]) -> None:
    for field, values in (("id", [d.wanted.id or None for d in drafts]), ("key", [d.wanted.key for d in drafts])):
        for place, value in enumerate(values):
            if value is not None and value in values[:place]:
                raise Invalid.one(f"schedules[{place}].{field}", f"'{value}' is used twice; it names one schedule")


def _take(free: dict[int, Schedule], candidates: list[Schedule]) -> Schedule | None:
    return free.pop(candidates[0].id) if candidates else None


def _equal(draft: ScheduleDraft, stored: Schedule) -> bool:
    """Equal but for what identifies a schedule, and whether it is paused. A key may be added or taken off."""
    wanted = draft.wanted
    if wanted.key is not None and stored.key is not None and wanted.key != stored.key:
        return False
    return _continued(draft, stored) == replace(stored, key=wanted.key, enabled=wanted.enabled)


def _continued(draft: ScheduleDraft, stored: Schedule) -> Schedule:
    wanted, timing = draft.wanted, draft.wanted.timing
    if isinstance(timing, IntervalTiming) and isinstance(stored.timing, IntervalTiming) and not draft.anchored:
        timing = replace(timing, anchor_at=stored.timing.anchor_at)
    return replace(wanted, id=stored.id, seed=stored.seed, timing=timing)


def _settled(draft: ScheduleDraft, known: Schedule | None, *, now: Instant, new_id: Callable[[], int]) -> Schedule:
    if known is not None:
        draft = ScheduleDraft(_continued(draft, known), draft.anchored or isinstance(known.timing, IntervalTiming))
    timing = draft.wanted.timing
    if isinstance(timing, IntervalTiming) and not draft.anchored:
        timing = replace(timing, anchor_at=now)
    if known is not None:
        return replace(draft.wanted, timing=timing)
    return replace(draft.wanted, id=new_id(), seed=_fresh_seed(timing), timing=timing)


def _fresh_seed(timing: Timing) -> int:
    """Most seeds serve; for an `H` in a day field some may name a date that no year has."""
    if not isinstance(timing, CronTiming):
        return secrets.randbits(63)
    for _ in range(SEED_TRIES):
        seed = secrets.randbits(63)
        try:
            timetable_of(timing, seed=seed)
        except CronError:
            continue
        return seed
    raise Invalid.one("schedules", f"'{timing.expression}' never fires: hardly a value of its H is a date that exists")
