"""The verbs on tasks. Every change locks the task, then its schedules, records what was due, and only then writes.

So a change that commits before a fire time governs that fire, and no fire that was due before it is lost.
"""

from collections.abc import Container, Mapping, Sequence

from distributedjob.model.errors import Conflict, NotFound, Outdated
from distributedjob.model.identity import Principal
from distributedjob.model.instant import Instant
from distributedjob.model.schedule import Schedule
from distributedjob.model.task import Revision, Task, TaskDefinition
from distributedjob.services.changes import Change
from distributedjob.services.cursors import Standing, announce_cursor, cursor_after
from distributedjob.services.desk import Transaction
from distributedjob.services.drafts import TaskDraft
from distributedjob.services.gatekeeper import turn_on
from distributedjob.services.recording import record_due_of_task
from distributedjob.services.validation import check_draft, check_future
from distributedjob.store import gates, schedules, tasks
from distributedjob.store.errors import DuplicateKey
from distributedjob.store.schedules import Cursor
from distributedjob.store.tasks import TaskRow
from distributedjob.targets.egress import EgressPolicy


def get_task(tx: Transaction, task_id: int, *, principal: Principal) -> Task:
    row = tasks.find_task(tx.connection, task_id, principal=principal)
    if row is None:
        raise _not_found(task_id)
    return _tasks(tx, [row])[0]


def list_tasks(
    tx: Transaction,
    *,
    principal: Principal,
    limit: int,
    before_id: int | None = None,
    name: str | None = None,
    search: str | None = None,
    enabled: bool | None = None,
) -> Sequence[Task]:
    """Newest first, below `before_id`; `name` is the whole name, `search` a part of it."""
    rows = tasks.list_tasks(
        tx.connection,
        principal=principal,
        limit=limit,
        before_id=before_id,
        name=name,
        search=search,
        enabled=enabled,
    )
    return _tasks(tx, rows)


def create_task(tx: Transaction, *, principal: Principal, draft: TaskDraft, egress: EgressPolicy) -> Task:
    """Raises Invalid, and Conflict when the department has a task of that name."""
    check_draft(draft, before=None, egress=egress)
    definition = draft.settle((), now=tx.now, new_id=tx.new_id)
    check_future(definition, before=None, now=tx.now)
    row = TaskRow(
        id=tx.new_id(),
        department_id=principal.department_id,
        name=definition.name,
        revision=1,
        enabled=definition.enabled,
        created_at=tx.now,
        updated_at=tx.now,
        updated_by=principal.name,
        queue=definition.queue,
    )
    try:
        tasks.insert_task(tx.connection, row)
    except DuplicateKey:
        raise _name_taken(definition.name) from None
    _write(tx, row, definition, before={})
    return _saved(tx, row, definition)


def revise_task(
    tx: Transaction,
    task_id: int,
    *,
    principal: Principal,
    change: Change,
    egress: EgressPolicy,
    expected: Container[int] | None = None,
) -> Task:
    """Save what `change` makes of the present definition as a new revision; no revision when it changes nothing.

    Raises Outdated when the present revision is not among the `expected`.
    """
    row = _lock(tx, task_id, principal, expected)
    old = _definition(tx, row)
    draft = change(old)
    check_draft(draft, before=old, egress=egress)
    definition = draft.settle(old.schedules, now=tx.now, new_id=tx.new_id)
    if definition == old:
        return _tasks(tx, [row])[0]
    check_future(definition, before=old, now=tx.now)
    return _save(tx, row, definition, old=old, saved_by=principal.name)


def _save(tx: Transaction, row: TaskRow, definition: TaskDefinition, *, old: TaskDefinition, saved_by: str) -> Task:
    tx, cursors = _settle_the_past(tx, row.id)
    row = row._replace(
        name=definition.name,
        revision=row.revision + 1,
        enabled=definition.enabled,
        updated_at=tx.now,
        updated_by=saved_by,
        queue=definition.queue,
    )
    try:
        tasks.update_task(tx.connection, row)
    except DuplicateKey:
        raise _name_taken(definition.name) from None
    _write(tx, row, definition, before=_standings(old, cursors))
    if definition.policies.gated and not old.policies.gated:
        turn_on(tx, row.id)
    return _saved(tx, row, definition)


def delete_task(tx: Transaction, task_id: int, *, principal: Principal, expected: Container[int] | None = None) -> None:
    """Executions that were recorded go on, and stay in the history."""
    _lock(tx, task_id, principal, expected)
    tx, cursors = _settle_the_past(tx, task_id)
    schedules.delete_schedules(tx.connection, list(cursors))
    tasks.delete_task(tx.connection, task_id)
    gates.delete_gate(tx.connection, task_id)


def get_revision(tx: Transaction, task_id: int, number: int, *, principal: Principal) -> Revision:
    get_task(tx, task_id, principal=principal)
    found = tasks.find_revision(tx.connection, task_id, number)
    if found is None:
        raise NotFound(f"task {task_id} has no revision {number}", id=str(task_id))
    return found


def list_revisions(
    tx: Transaction, task_id: int, *, principal: Principal, limit: int, before: int | None = None
) -> Sequence[Revision]:
    """Newest first, below number `before`."""
    get_task(tx, task_id, principal=principal)
    return tasks.list_revisions(tx.connection, task_id, limit=limit, before=before)


def _lock(tx: Transaction, task_id: int, principal: Principal, expected: Container[int] | None) -> TaskRow:
    row = tasks.lock_task(tx.connection, task_id, principal=principal)
    if row is None:
        raise _not_found(task_id)
    if expected is not None and row.revision not in expected:
        message = f"task {task_id} is at revision {row.revision} by now; read it again and redo the change"
        raise Outdated(message, id=str(task_id))
    return row


def _settle_the_past(tx: Transaction, task_id: int) -> tuple[Transaction, dict[int, Cursor]]:
    """Lock the schedules, record what is due, and give their cursors.

    The time is read again under the lock: what became due while we waited for it counts as due.
    """
    schedules.lock_cursors(tx.connection, task_id)
    tx = tx.at_present()
    record_due_of_task(tx, task_id)
    return tx, dict(schedules.lock_cursors(tx.connection, task_id))


def _standings(old: TaskDefinition, cursors: dict[int, Cursor]) -> dict[int, Standing]:
    return {
        schedule.id: Standing(schedule, cursors[schedule.id], live=old.enabled and schedule.enabled)
        for schedule in old.schedules
    }


def _write(tx: Transaction, row: TaskRow, definition: TaskDefinition, *, before: dict[int, Standing]) -> None:
    """Write the revision and each schedule's row; delete the rows of schedules that are gone."""
    revision = Revision(row.id, row.revision, definition, row.updated_at, row.updated_by)
    tasks.insert_revision(tx.connection, revision)
    for schedule in definition.schedules:
        _write_schedule(tx, row, schedule, before.get(schedule.id))
    kept = {schedule.id for schedule in definition.schedules}
    schedules.delete_schedules(tx.connection, [id_ for id_ in before if id_ not in kept])


def _write_schedule(tx: Transaction, row: TaskRow, schedule: Schedule, before: Standing | None) -> None:
    paused = not (row.enabled and schedule.enabled)
    cursor = cursor_after(tx, schedule, task_id=row.id, before=before, paused=paused)
    if before is None:
        schedules.insert_schedule(
            tx.connection,
            schedule,
            task_id=row.id,
            department_id=row.department_id,
            revision=row.revision,
            cursor=cursor,
        )
    else:
        schedules.update_schedule(tx.connection, schedule, revision=row.revision, cursor=cursor)
    announce_cursor(tx, schedule, cursor)


def _definition(tx: Transaction, row: TaskRow) -> TaskDefinition:
    return tx.revisions.load(tx.connection, [(row.id, row.revision)])[row.id, row.revision]


def _saved(tx: Transaction, row: TaskRow, definition: TaskDefinition) -> Task:
    """What was just written. It is not read back: a revision is remembered when it is read, for ever and by all
    nodes, and this one may still be rolled back."""
    return _task(row, definition, next_fires=schedules.next_fires(tx.connection, [row.id])[row.id])


def _tasks(tx: Transaction, rows: Sequence[TaskRow]) -> list[Task]:
    definitions = tx.revisions.load(tx.connection, [(row.id, row.revision) for row in rows])
    next_fires = schedules.next_fires(tx.connection, [row.id for row in rows])
    return [_task(row, definitions[row.id, row.revision], next_fires=next_fires[row.id]) for row in rows]


def _task(row: TaskRow, definition: TaskDefinition, *, next_fires: Mapping[int, Instant | None]) -> Task:
    return Task(
        id=row.id,
        department_id=row.department_id,
        revision=row.revision,
        definition=definition,
        created_at=row.created_at,
        updated_at=row.updated_at,
        updated_by=row.updated_by,
        next_fires=next_fires,
    )


def _not_found(task_id: int) -> NotFound:
    return NotFound(f"there is no task {task_id}", id=str(task_id))


def _name_taken(name: str) -> Conflict:
    return Conflict(
        f"there is a task named '{name}' already; choose another name or change that task", code="name_taken"
    )
