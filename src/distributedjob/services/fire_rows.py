"""The rows that fires become: one execution, or one range of fires that were missed."""

from distributedjob.model.execution import Claimed, Flag, Reason, State, Trigger
from distributedjob.model.instant import Instant, micros
from distributedjob.model.schedule import IntervalFrom, IntervalTiming, Schedule
from distributedjob.model.task import TaskDefinition
from distributedjob.rules.misfire import Range
from distributedjob.services.desk import Transaction
from distributedjob.store.hot.rows import ExecutionRow, ScheduleRow
from distributedjob.timing.jitter import jitter_of

LOW_PRIORITY = 8
"""Old fires give way to those that are on time."""


def fire_row(
    tx: Transaction, row: ScheduleRow, schedule: Schedule, definition: TaskDefinition, fire_at: Instant, *, flags: Flag
) -> ExecutionRow:
    """An execution that may start at its fire time, jitter included; a misfire at once."""
    policies, not_before = definition.policies, fire_at
    if schedule.jitter and not flags & Flag.MISFIRED:
        not_before += jitter_of(row.seed, fire_at, micros(schedule.jitter))
    if counts_from_end(schedule):
        flags |= Flag.FROM_END
    return ExecutionRow(
        id=tx.new_id(),
        task_id=row.task_id,
        source_id=row.id,
        fire_at=fire_at,
        not_before=not_before,
        deadline_at=deadline_of(definition, fire_at=fire_at, not_before=not_before, now=tx.now),
        state=State.PENDING,
        reason=None,
        trigger=Trigger.SCHEDULE,
        priority=LOW_PRIORITY if flags & Flag.MISFIRED else policies.priority,
        queue=definition.queue,
        department_id=row.department_id,
        revision=row.revision,
        fence=0,
        holder=None,
        attempt=0,
        flags=flags,
        recorded_at=tx.now,
        started_at=None,
        claimed_at=None,
        ended_at=None,
    )


def counts_from_end(schedule: Schedule) -> bool:
    timing = schedule.timing
    return isinstance(timing, IntervalTiming) and timing.interval_from is IntervalFrom.END


def deadline_of(definition: TaskDefinition, *, fire_at: Instant, not_before: Instant, now: Instant) -> Instant:
    """No start later than this: the later of due and recorded, plus the deadline; `max_age` counts from the fire."""
    deadline = max(not_before, now) + micros(definition.policies.deadline)
    max_age = definition.policies.max_age
    return deadline if max_age is None else min(deadline, fire_at + micros(max_age))


def missed_row(
    tx: Transaction, row: ScheduleRow, missed: Range, *, reason: Reason, priority: int, queue: str
) -> ExecutionRow:
    """A range of fires that were due and will not run, as one row that is final from the start."""
    return ExecutionRow(
        id=tx.new_id(),
        task_id=row.task_id,
        source_id=row.id,
        fire_at=missed.first_at,
        not_before=missed.first_at,
        deadline_at=missed.last_at,
        state=State.MISSED,
        reason=reason,
        trigger=Trigger.SCHEDULE,
        priority=priority,
        queue=queue,
        department_id=row.department_id,
        revision=row.revision,
        fence=0,
        holder=None,
        attempt=0,
        flags=Flag.NONE if missed.exact else Flag.MORE_THAN,
        recorded_at=tx.now,
        started_at=None,
        claimed_at=None,
        ended_at=tx.now,
        range_end=missed.last_at,
        range_count=missed.count,
    )


def claimed_of(row: ExecutionRow, now: Instant) -> Claimed:
    return Claimed(
        id=row.id,
        task_id=row.task_id,
        source_id=row.source_id,
        revision=row.revision,
        fire_at=row.fire_at,
        not_before=row.not_before,
        deadline_at=row.deadline_at,
        fence=1,
        attempt=1,
        trigger=row.trigger,
        flags=row.flags,
        claimed_at=now,
        started_at=now,
        department_id=row.department_id,
    )
