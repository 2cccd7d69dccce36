"""The rows of one recording transaction: planned in memory, written at the end in three statements."""

from dataclasses import dataclass, field, replace

from distributedjob.model.execution import Claimed, Flag, Hint, Reason, State, Trigger
from distributedjob.model.instant import Instant, micros
from distributedjob.model.schedule import IntervalFrom, IntervalTiming, Schedule
from distributedjob.model.task import TaskDefinition
from distributedjob.rules.misfire import Due, Plan, Range, plan
from distributedjob.services.desk import Transaction
from distributedjob.services.gatekeeper import Gatekeeper
from distributedjob.store.backfills import BackfillRow, insert_backfill
from distributedjob.store.codec import decode_schedule
from distributedjob.store.errors import DuplicateKey
from distributedjob.store.hot.rows import CursorMove, ExecutionRow, ScheduleRow
from distributedjob.timing.jitter import jitter_of
from distributedjob.timing.timetable import next_fire, previous_fire

LOW_PRIORITY = 8
"""Old fires give way to those that are on time."""

INSERT_TRIES = 3


@dataclass(frozen=True, slots=True)
class Slots:
    """Room in a worker of this process: up to `free` fires of `queue` may be recorded as already claimed."""

    session: int
    queues: frozenset[str]
    free: int


NO_SLOTS = Slots(session=0, queues=frozenset(), free=0)


@dataclass(slots=True)
class Recorded:
    """What one transaction recorded: rows to hint, rows already claimed, and where the cursors went.

    `executions` counts rows; `ranges` of them are ranges of `missed` fires.
    """

    claimed: list[Claimed] = field(default_factory=list)
    hints: list[Hint] = field(default_factory=list)
    cursors: list[tuple[int, Instant | None]] = field(default_factory=list)
    definitions: dict[tuple[int, int], TaskDefinition] = field(default_factory=dict)
    lateness: list[int] = field(default_factory=list)
    executions: int = 0
    missed: int = 0
    ranges: int = 0
    duplicates: int = 0


class RecordingBatch:
    """Rows of one transaction, planned in memory and written at the end in three statements.

    Decides the fires up to `until` (None: up to the transaction's now); `reason` is what a missed range carries.
    """

    def __init__(
        self, tx: Transaction, slots: Slots, *, until: Instant | None = None, reason: Reason = Reason.MISFIRE
    ) -> None:
        self._tx = tx
        self._until = tx.now if until is None else until
        self._reason = reason
        self._slots = slots
        self._free = slots.free
        self._rows: list[ExecutionRow] = []
        self._claimed: list[Claimed] = []
        self._gated: list[tuple[ExecutionRow, TaskDefinition]] = []
        self._moves: list[CursorMove] = []
        self._recorded = Recorded()

    def add(self, row: ScheduleRow, definition: TaskDefinition) -> None:
        """Plan one schedule and lay out its rows."""
        schedule = decode_schedule(row.definition)
        decided = plan(_due(row, schedule, definition), now=self._until)
        last_id: int | None = None
        for fire_at in decided.live:
            last_id = self._fire(row, schedule, definition, fire_at)
        if decided.misfired_at is not None:
            last_id = self._fire(row, schedule, definition, decided.misfired_at, flags=Flag.MISFIRED)
        if decided.missed is not None:
            missed_id = self._missed(row, definition, decided.missed)
            last_id = missed_id if last_id is None else last_id
        if decided.catch_up is not None:
            self._catch_up(row, decided.catch_up)
        self._move(row, schedule, decided, last_id)

    def write(self) -> Recorded:
        """Pass the gates, insert, move the cursors."""
        if self._gated:
            self._pass_gates()
        if self._rows:
            self._insert()
        if self._moves:
            self._tx.hot.move_cursors(self._tx.connection, self._moves)
        self._recorded.claimed = self._claimed
        now = self._tx.now
        self._recorded.lateness = [now - row.not_before for row in self._rows if row.state < State.SUCCEEDED]
        self._recorded.executions = len(self._rows)
        return self._recorded

    def _fire(
        self,
        row: ScheduleRow,
        schedule: Schedule,
        definition: TaskDefinition,
        fire_at: Instant,
        *,
        flags: Flag = Flag.NONE,
    ) -> int:
        tx, policies = self._tx, definition.policies
        not_before = fire_at
        if schedule.jitter and not flags & Flag.MISFIRED:
            not_before += jitter_of(row.seed, fire_at, micros(schedule.jitter))
        if _from_end(schedule):
            flags |= Flag.FROM_END
        execution = ExecutionRow(
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
        if policies.gated:
            self._gated.append((execution, definition))
        else:
            self._admit(execution)
        return execution.id

    def _admit(self, row: ExecutionRow) -> None:
        """A row that may start: claimed at once where this process has room, else pending with a hint."""
        now = self._tx.now
        startable = row.state == State.PENDING and row.not_before <= now and row.deadline_at > now
        if startable and self._free > 0 and row.queue in self._slots.queues:
            self._free -= 1
            row = row._replace(
                state=State.RUNNING, fence=1, attempt=1, holder=self._slots.session, claimed_at=now, started_at=now
            )
            self._claimed.append(_claimed(row, now))
        elif row.state == State.PENDING:
            self._recorded.hints.append(Hint(row.id, row.fence, row.not_before, row.queue))
        self._rows.append(row)

    def _pass_gates(self) -> None:
        gates = Gatekeeper(self._tx, {row.task_id for row, _ in self._gated})
        in_order = sorted(self._gated, key=lambda item: item[0].fire_at)
        for row in gates.write([gates.admit(row, definition.policies) for row, definition in in_order]):
            self._admit(row)

    def _missed(self, row: ScheduleRow, definition: TaskDefinition, missed: Range) -> int:
        self._recorded.missed += missed.count
        self._recorded.ranges += 1
        tx = self._tx
        execution = missed_row(
            tx, row, missed, reason=self._reason, priority=definition.policies.priority, queue=definition.queue
        )
        self._rows.append(execution)
        return execution.id

    def _catch_up(self, row: ScheduleRow, fires: Range) -> None:
        opened = BackfillRow(
            id=self._tx.new_id(),
            task_id=row.task_id,
            schedule_id=row.id,
            department_id=row.department_id,
            revision=row.revision,
            next_at=fires.first_at,
            last_at=fires.last_at,
            fires_left=fires.count,
        )
        insert_backfill(self._tx.connection, opened, created_at=self._tx.now)

    def _move(self, row: ScheduleRow, schedule: Schedule, decided: Plan, last_id: int | None) -> None:
        next_fire_at, waiting_id = decided.next_fire_at, None
        if _from_end(schedule) and decided.fires_left != 0:
            next_fire_at, waiting_id = None, last_id
        self._moves.append(CursorMove(row.id, next_fire_at, decided.fires_left, waiting_id))
        self._recorded.cursors.append((row.id, next_fire_at))

    def _insert(self) -> None:
        """Insert. A duplicate fire was decided already and is dropped; ids that collide are made anew."""
        tx = self._tx
        for _ in range(INSERT_TRIES):
            if not self._rows:
                return None
            try:
                return tx.hot.insert_executions(tx.connection, self._rows)
            except DuplicateKey:
                keys = [(row.task_id, row.fire_at, row.source_id) for row in self._rows]
                found = tx.hot.find_fires(tx.connection, keys)
                self._recorded.duplicates += len(found)
                self._keep(found)
        raise RuntimeError(f"the ids of {len(self._rows)} rows collide; is this node's number leased twice?")

    def _keep(self, found: set[tuple[int, int, int]]) -> None:
        """Keep the rows that were not found, under new ids if it is not fires that collided."""
        kept = [row for row in self._rows if (row.task_id, row.fire_at, row.source_id) not in found]
        names = {row.id: row.id if found else self._tx.new_id() for row in kept}
        self._rows = [row._replace(id=names[row.id]) for row in kept]
        self._claimed = [replace(item, id=names[item.id]) for item in self._claimed if item.id in names]
        self._recorded.hints = [replace(hint, id=names[hint.id]) for hint in self._recorded.hints if hint.id in names]


def _claimed(row: ExecutionRow, now: Instant) -> Claimed:
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


def _due(row: ScheduleRow, schedule: Schedule, definition: TaskDefinition) -> Due:
    cursor = row.next_fire_at
    assert cursor is not None, "only due rows are planned"
    policy = schedule.misfire or definition.policies.misfire
    if _from_end(schedule):
        return Due(
            cursor=cursor,
            fires_left=row.fires_left,
            policy=policy,
            next_after=lambda _: None,
            previous_before=lambda before: cursor if cursor < before else None,
        )
    return Due(
        cursor=cursor,
        fires_left=row.fires_left,
        policy=policy,
        next_after=lambda after: next_fire(schedule, after),
        previous_before=lambda before: previous_fire(schedule, before),
    )


def _from_end(schedule: Schedule) -> bool:
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
