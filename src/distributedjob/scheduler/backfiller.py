"""Catches up what was missed, at a pace: low priority, never hinted, so live fires go first."""

from functools import partial

from distributedjob.cluster.port import Membership
from distributedjob.model.errors import Unavailable
from distributedjob.model.execution import Flag, State, Trigger
from distributedjob.model.instant import Instant
from distributedjob.model.policies import Policies
from distributedjob.model.task import TaskDefinition
from distributedjob.services.desk import Desk, Transaction
from distributedjob.services.fire_rows import LOW_PRIORITY, deadline_of
from distributedjob.services.fires_left import give_back_fires
from distributedjob.services.gatekeeper import Gatekeeper
from distributedjob.services.levers import find_catchup_rate
from distributedjob.services.stops import is_stopped
from distributedjob.store.backfills import BackfillRow, list_open_backfills, lock_backfill, move_backfill
from distributedjob.store.errors import DuplicateKey
from distributedjob.store.hot.rows import ExecutionRow
from distributedjob.store.revisions import hold_current_revision
from distributedjob.timing.timetable import next_fire

MANY = 5_000
"""Ranges looked at while something is stopped, so that those of others are found behind the stopped ones."""


class Backfiller:
    """One pass a second records `rate` fires, or what the lever says, shared by all open ranges, oldest first.

    Ranges of what is stopped stay as they are.
    """

    name = "backfiller"

    def __init__(self, *, desk: Desk, membership: Membership, rate: int) -> None:
        self._desk = desk
        self._membership = membership
        self._rate = rate

    async def run_once(self) -> bool:
        if not self._membership.leads:
            return False
        failed = None
        budget, open_ranges = await self._desk.read(self._look)
        for id_ in open_ranges:
            try:
                budget -= await self._desk.write(partial(record_range, backfill_id=id_, limit=budget))
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - one broken range must not stop the others
                failed = error
            if budget <= 0:
                break
        if failed is not None:
            raise failed
        return False

    def _look(self, tx: Transaction) -> tuple[int, list[int]]:
        """How many fires this pass may record, and of which ranges."""
        budget = find_catchup_rate(tx, default=self._rate)
        rows = list_open_backfills(tx.connection, limit=MANY if tx.stops else budget)
        if tx.stops:
            definitions = tx.revisions.load(tx.connection, ((row.task_id, row.revision) for row in rows))
            rows = [row for row in rows if not _is_stopped(tx, row, definitions.get((row.task_id, row.revision)))]
        return budget, [row.id for row in rows[:budget]]


def _is_stopped(tx: Transaction, row: BackfillRow, definition: TaskDefinition | None) -> bool:
    return definition is not None and is_stopped(tx, definition, department_id=row.department_id)


def record_range(tx: Transaction, *, backfill_id: int, limit: int) -> int:
    """Record up to `limit` fires of a range and move its cursor; returns how many."""
    row = lock_backfill(tx.connection, backfill_id)
    if row is None or row.next_at is None:
        return 0
    definition = tx.revisions.load(tx.connection, [(row.task_id, row.revision)])[row.task_id, row.revision]
    schedule = next((s for s in definition.schedules if s.id == row.schedule_id), None)
    fires: list[Instant] = []
    fire_at: Instant | None = row.next_at
    while schedule and fire_at is not None and fire_at <= row.last_at and len(fires) < min(limit, row.fires_left):
        fires.append(fire_at)
        fire_at = next_fire(schedule, fire_at)
    left = row.fires_left - len(fires)
    over = schedule is None or left <= 0 or fire_at is None or fire_at > row.last_at
    _insert(tx, row, definition, fires)
    move_backfill(tx.connection, row.id, next_at=None if over else fire_at, fires_left=max(left, 0))
    return len(fires)


def _insert(tx: Transaction, row: BackfillRow, definition: TaskDefinition, fires: list[Instant]) -> None:
    rows = [_execution(tx, row, definition, fire_at) for fire_at in fires]
    known = tx.hot.find_fires(tx.connection, [(r.task_id, r.fire_at, r.source_id) for r in rows])
    rows = [r for r in rows if (r.task_id, r.fire_at, r.source_id) not in known]
    if not rows:
        return
    policies = _policies_in_force(tx, row.task_id)
    if policies is not None and policies.gated:
        gates = Gatekeeper(tx, [row.task_id])
        rows = gates.write([gates.admit(r, policies) for r in rows])
        give_back_fires(tx, gates.skipped)
    try:
        tx.hot.insert_executions(tx.connection, rows)
    except DuplicateKey as error:
        raise RuntimeError(f"a fire of range {row.id} was recorded by nobody who holds its lock") from error


def _policies_in_force(tx: Transaction, task_id: int) -> Policies | None:
    """A gate belongs to the task as it is now, whatever revision a fire runs with. None: the task was deleted."""
    revision = hold_current_revision(tx.connection, task_id)
    if revision is None:
        return None
    return tx.revisions.load(tx.connection, [(task_id, revision)])[task_id, revision].policies


def _execution(tx: Transaction, row: BackfillRow, definition: TaskDefinition, fire_at: Instant) -> ExecutionRow:
    return ExecutionRow(
        id=tx.new_id(),
        task_id=row.task_id,
        source_id=row.schedule_id,
        fire_at=fire_at,
        not_before=tx.now,
        deadline_at=deadline_of(definition, fire_at=fire_at, not_before=tx.now, now=tx.now),
        state=State.PENDING,
        reason=None,
        trigger=Trigger.BACKFILL,
        priority=LOW_PRIORITY,
        queue=definition.queue,
        department_id=row.department_id,
        revision=row.revision,
        fence=0,
        holder=None,
        attempt=0,
        flags=Flag.MISFIRED,
        recorded_at=tx.now,
        started_at=None,
        claimed_at=None,
        ended_at=None,
    )
