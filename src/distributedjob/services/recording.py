"""Due fires become rows: one transaction that locks, plans on what the rows say now, inserts, moves the cursors.

Used by the recorder at the fire time, and by every verb that changes a schedule: what was due before the change
is recorded on the revision in force until then. Two nodes that both think they own a shard only waste a query:
the row lock and the unique key decide.
"""

from collections.abc import Mapping, Sequence

from distributedjob.model.execution import Flag, Hint, State, Trigger
from distributedjob.model.policies import Policies
from distributedjob.model.task import TaskDefinition
from distributedjob.runtime import crash
from distributedjob.services.batch import NO_SLOTS, Recorded, RecordingBatch, Slots
from distributedjob.services.desk import Transaction
from distributedjob.services.fire_rows import deadline_of
from distributedjob.services.fires_left import give_back_fires
from distributedjob.services.gatekeeper import Gatekeeper
from distributedjob.store.hot.rows import ExecutionRow, ScheduleRow
from distributedjob.store.parameters import insert_parameters
from distributedjob.store.schedules import list_schedule_ids


def record_due(tx: Transaction, schedule_ids: Sequence[int], *, slots: Slots = NO_SLOTS) -> Recorded:
    """Record the fires of these schedules that are due at `tx.now`; what is more than enough stays due.

    The cursors of all of them are told, of those that are not due (any more) too: who asked had an older word.
    """
    return _record(tx, tx.hot.lock_schedules(tx.connection, schedule_ids), slots)


def record_free(tx: Transaction, schedule_ids: Sequence[int], *, slots: Slots = NO_SLOTS) -> Recorded:
    """As `record_due`, without waiting for schedules that somebody else has locked: whoever changes or records one
    does this too, and a node that froze with some must not hold up the others. Of those no cursor is told."""
    return _record(tx, tx.hot.lock_free_schedules(tx.connection, schedule_ids), slots)


def _record(tx: Transaction, rows: Sequence[ScheduleRow], slots: Slots) -> Recorded:
    due = {row.id for row in rows if row.next_fire_at is not None and row.next_fire_at <= tx.now}
    definitions = tx.revisions.load(tx.connection, ((row.task_id, row.revision) for row in rows if row.id in due))
    batch = RecordingBatch(tx, slots)
    for row in rows:
        if row.id in due and not batch.full:
            batch.add(row, definitions[row.task_id, row.revision])
        else:
            batch.leave(row)
    crash.reached("before_record")
    recorded = batch.write()
    recorded.definitions = dict(definitions)
    crash.reached("after_record")
    return recorded


def record_due_of_task(tx: Transaction, task_id: int) -> None:
    """Lock the task's schedules and record all that is due, before they are changed or deleted."""
    due = list_schedule_ids(tx.connection, task_id)
    while due:
        recorded = record_due(tx, due)
        tx.news.extend(recorded.hints)
        due = [id_ for id_, next_fire_at in recorded.cursors if next_fire_at is not None and next_fire_at <= tx.now]


def record_manual(
    tx: Transaction,
    *,
    task_id: int,
    revision: int,
    department_id: int,
    definition: TaskDefinition,
    gate: Policies,
    trigger: Trigger,
    parameters: Mapping[str, object] | None = None,
    related_id: int | None = None,
) -> ExecutionRow:
    """Record a run asked for by a person or a program; it passes the same gate as a fire.

    `gate` are the policies in force: a gate belongs to the task as it is now, whatever revision is run.
    """
    id_ = tx.new_id()
    row = ExecutionRow(
        id=id_,
        task_id=task_id,
        source_id=id_,
        fire_at=tx.now,
        not_before=tx.now,
        deadline_at=deadline_of(definition, fire_at=tx.now, not_before=tx.now, now=tx.now),
        state=State.PENDING,
        reason=None,
        trigger=trigger,
        priority=definition.policies.priority,
        queue=definition.queue,
        department_id=department_id,
        revision=revision,
        fence=0,
        holder=None,
        attempt=0,
        flags=Flag.HAS_PARAMETERS if parameters else Flag.NONE,
        recorded_at=tx.now,
        started_at=None,
        claimed_at=None,
        ended_at=None,
        related_id=related_id,
    )
    if parameters:
        insert_parameters(tx.connection, execution_id=id_, parameters=parameters)
    if gate.gated:
        gates = Gatekeeper(tx, [task_id])
        row = gates.write([gates.admit(row, gate)])[0]
        give_back_fires(tx, gates.skipped)
    tx.hot.insert_executions(tx.connection, [row])
    if row.state == State.PENDING:
        tx.news.append(Hint(row.id, row.fence, row.not_before, row.queue))
    return row
