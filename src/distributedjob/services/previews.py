"""Previews: the fires of a schedule that need not be saved yet."""

from dataclasses import replace

from distributedjob.model.errors import Invalid
from distributedjob.model.identity import Principal
from distributedjob.model.instant import Instant
from distributedjob.model.schedule import IntervalTiming, Schedule
from distributedjob.services.desk import Transaction
from distributedjob.services.drafts import NEW, ScheduleDraft
from distributedjob.services.validation import refuse, timing_faults, window_faults
from distributedjob.store import schedules
from distributedjob.timing.fields import CronError
from distributedjob.timing.preview import Preview, preview
from distributedjob.timing.words import Language


def preview_schedule(
    tx: Transaction,
    draft: ScheduleDraft,
    *,
    principal: Principal,
    after: Instant | None,
    count: int,
    language: Language,
) -> Preview:
    """Up to `count` fires after `after`, by default now. Raises Invalid."""
    schedule = _settled(tx, draft, principal)
    refuse([*timing_faults("schedule", schedule), *window_faults("schedule", schedule)])
    try:
        return preview(schedule, after=tx.now if after is None else after, count=count, language=language)
    except CronError as error:  # a seed can pick a date that no year has
        raise Invalid.one("schedule.expression", str(error), code="cron_invalid") from None


def _settled(tx: Transaction, draft: ScheduleDraft, principal: Principal) -> Schedule:
    """As it would be saved; the id of a saved schedule brings its seed and anchor along."""
    wanted = draft.wanted
    known = None if wanted.id == NEW else schedules.find_schedule(tx.connection, wanted.id, principal=principal)
    if known is not None:
        wanted = replace(wanted, seed=known.seed)
    if not draft.anchored and isinstance(wanted.timing, IntervalTiming):
        saved = known.timing if known is not None else None
        anchor_at = saved.anchor_at if isinstance(saved, IntervalTiming) else tx.now
        wanted = replace(wanted, timing=replace(wanted.timing, anchor_at=anchor_at))
    return wanted
