"""One recording transaction: planned in memory, written at the end in three statements."""

from collections import Counter
from dataclasses import dataclass, field, replace

from distributedjob.model.execution import Claimed, Flag, Hint, Reason, State
from distributedjob.model.instant import Instant
from distributedjob.model.policies import MisfireMode
from distributedjob.model.schedule import Schedule
from distributedjob.model.task import TaskDefinition
from distributedjob.rules.misfire import Due, Plan, Range, plan
from distributedjob.services.desk import Transaction
from distributedjob.services.fire_rows import claimed_of, counts_from_end, fire_row, missed_row
from distributedjob.services.fires_left import give_back_fires
from distributedjob.services.gatekeeper import Gatekeeper
from distributedjob.services.stops import is_stopped
from distributedjob.store.backfills import BackfillRow, insert_backfill
from distributedjob.store.codec import decode_schedule
from distributedjob.store.errors import DuplicateKey
from distributedjob.store.hot.rows import CursorMove, ExecutionRow, ScheduleRow
from distributedjob.timing.timetable import next_fire, previous_fire

INSERT_TRIES = 3

ENOUGH = 20_000
"""Fires that one transaction walks through before it leaves the other schedules to the next: after a long outage
each schedule may have thousands, and whoever waits for the writer must not wait for all of them."""


@dataclass(frozen=True, slots=True)
class Slots:
    """Room in a worker of this process: up to `free` fires of `queue` may be recorded as already claimed."""

    session: int
    queues: frozenset[str]
    free: int


NO_SLOTS = Slots(session=0, queues=frozenset(), free=0)


@dataclass(slots=True)
class Recorded:
    """What one transaction recorded: rows to hint, rows already claimed, and where the cursors stand.

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


@dataclass(frozen=True, slots=True)
class _Planned:
    """A schedule whose fires are laid out; `last_id` is the execution, or the range, of the newest."""

    row: ScheduleRow
    schedule: Schedule
    plan: Plan
    last_id: int | None

    @property
    def newest(self) -> Instant:
        """The newest fire that became an execution."""
        return max(*self.plan.live, self.plan.misfired_at or 0, self.plan.catch_up.last_at if self.plan.catch_up else 0)


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
        self._stops = tx.stops or None
        self._walked = 0
        self._rows: list[ExecutionRow] = []
        self._claimed: list[Claimed] = []
        self._gated: list[tuple[ExecutionRow, TaskDefinition]] = []
        self._skipped: Counter[int] = Counter()
        self._planned: list[_Planned] = []
        self._recorded = Recorded()

    @property
    def full(self) -> bool:
        """Whether it has walked enough; what is not added stays due."""
        return self._walked >= ENOUGH

    def leave(self, row: ScheduleRow) -> None:
        """Only say where this schedule stands."""
        self._recorded.cursors.append((row.id, row.next_fire_at))

    def add(self, row: ScheduleRow, definition: TaskDefinition) -> None:
        """Plan one schedule and lay out its rows."""
        schedule = decode_schedule(row.definition)
        decided = plan(_due(row, schedule, definition), now=self._until)
        last_id: int | None = None
        if decided.missed is not None:
            last_id = self._missed(row, definition, decided.missed)
        if decided.misfired_at is not None:
            last_id = self._fire(row, schedule, definition, decided.misfired_at, flags=Flag.MISFIRED)
        for fire_at in decided.live:
            last_id = self._fire(row, schedule, definition, fire_at)
        if decided.catch_up is not None:
            self._catch_up(row, decided.catch_up)
        self._walked += len(decided.live) + sum(r.count for r in (decided.missed, decided.catch_up) if r)
        self._planned.append(_Planned(row, schedule, decided, last_id))

    def write(self) -> Recorded:
        """Pass the gates, insert, move the cursors."""
        if self._gated:
            self._pass_gates()
        if self._rows:
            self._insert()
        if self._planned:
            self._move()
        if self._skipped:
            mine = {planned.row.id for planned in self._planned}  # counted where their cursors were moved
            give_back_fires(self._tx, {id_: fires for id_, fires in self._skipped.items() if id_ not in mine})
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
        execution = fire_row(self._tx, row, schedule, definition, fire_at, flags=flags)
        if self._stops is not None and is_stopped(self._tx, definition, department_id=row.department_id):
            self._stop(execution)
        elif definition.policies.gated:
            self._gated.append((execution, definition))
        else:
            self._admit(execution)
        return execution.id

    def _stop(self, row: ExecutionRow) -> None:
        """A fire under a stop switch is decided all the same: it makes no run, and does not count."""
        self._skipped[row.source_id] += 1
        self._rows.append(row._replace(state=State.SKIPPED, reason=Reason.STOPPED, ended_at=self._tx.now))

    def _admit(self, row: ExecutionRow) -> None:
        """A row that may start: claimed at once where this process has room, else pending with a hint."""
        now = self._tx.now
        startable = row.state == State.PENDING and row.not_before <= now and row.deadline_at > now
        if startable and self._free > 0 and row.queue in self._slots.queues:
            self._free -= 1
            row = row._replace(
                state=State.RUNNING, fence=1, attempt=1, holder=self._slots.session, claimed_at=now, started_at=now
            )
            self._claimed.append(claimed_of(row, now))
        elif row.state == State.PENDING:
            self._recorded.hints.append(Hint(row.id, row.fence, row.not_before, row.queue))
        self._rows.append(row)

    def _pass_gates(self) -> None:
        """Fires that are recorded already are left out before they can take a place, or take one from others."""
        gates = Gatekeeper(self._tx, {row.task_id for row, _ in self._gated})
        known = self._tx.hot.find_fires(self._tx.connection, [_fire_key(row) for row, _ in self._gated])
        self._recorded.duplicates += len(known)
        fresh = [item for item in self._gated if _fire_key(item[0]) not in known]
        fresh.sort(key=lambda item: item[0].fire_at)
        for row in gates.write([gates.admit(row, definition.policies) for row, definition in fresh]):
            self._admit(row)
        self._skipped.update(gates.skipped)

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

    def _move(self) -> None:
        moves = [self._move_of(planned) for planned in self._planned]
        self._tx.hot.move_cursors(self._tx.connection, moves)
        self._recorded.cursors.extend((move.id, move.next_fire_at) for move in moves)

    def _move_of(self, planned: _Planned) -> CursorMove:
        """Where the cursor goes. A skipped fire does not count against the schedule's maximum of fires."""
        decided, skipped = planned.plan, self._skipped[planned.row.id]
        left, next_fire_at = decided.fires_left, decided.next_fire_at
        if left is not None and skipped:
            if left == 0:
                next_fire_at = next_fire(planned.schedule, planned.newest)
            left += skipped
        if counts_from_end(planned.schedule) and left != 0:
            return CursorMove(planned.row.id, None, left, planned.last_id)
        return CursorMove(planned.row.id, next_fire_at, left, None)

    def _insert(self) -> None:
        """Insert. A duplicate fire was decided already and is dropped; ids that collide are made anew."""
        tx = self._tx
        for _ in range(INSERT_TRIES):
            if not self._rows:
                return None
            try:
                return tx.hot.insert_executions(tx.connection, self._rows)
            except DuplicateKey:
                found = tx.hot.find_fires(tx.connection, [_fire_key(row) for row in self._rows])
                if not found and self._gated:
                    raise  # their entries are written under these ids; a new transaction makes new ones
                self._recorded.duplicates += len(found)
                self._keep(found)
        raise RuntimeError(f"the ids of {len(self._rows)} rows collide; is this node's number leased twice?")

    def _keep(self, found: set[tuple[int, int, int]]) -> None:
        """Keep the rows that were not found, under new ids if it is not fires that collided."""
        kept = [row for row in self._rows if _fire_key(row) not in found]
        names = {row.id: row.id if found else self._tx.new_id() for row in kept}
        self._rows = [row._replace(id=names[row.id]) for row in kept]
        self._claimed = [replace(item, id=names[item.id]) for item in self._claimed if item.id in names]
        self._recorded.hints = [replace(hint, id=names[hint.id]) for hint in self._recorded.hints if hint.id in names]
        self._planned = [
            replace(planned, last_id=names.get(planned.last_id, planned.last_id)) if planned.last_id else planned
            for planned in self._planned
        ]


def _fire_key(row: ExecutionRow) -> tuple[int, Instant, int]:
    return row.task_id, row.fire_at, row.source_id


def _due(row: ScheduleRow, schedule: Schedule, definition: TaskDefinition) -> Due:
    cursor = row.next_fire_at
    assert cursor is not None, "only due rows are planned"
    policy = schedule.misfire or definition.policies.misfire
    if counts_from_end(schedule):
        if policy.mode is MisfireMode.ALL:
            # There is one fire at a time: nothing to catch up but that one, and its end must set the cursor.
            policy = replace(policy, mode=MisfireMode.LATEST, max_age=policy.catchup_window)
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
