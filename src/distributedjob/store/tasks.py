"""Tasks and their revisions. What a task says is in its current revision; the row holds what lists are made of."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Executable, Select, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from distributedjob.model.identity import Principal
from distributedjob.model.instant import Instant
from distributedjob.model.task import DEFAULT_QUEUE, Revision
from distributedjob.store.codec import decode_definition, encode_definition
from distributedjob.store.errors import DuplicateKey
from distributedjob.store.scope import visible
from distributedjob.store.tables import task, task_revision


class TaskRow(NamedTuple):
    id: int
    department_id: int
    name: str
    revision: int
    enabled: bool
    created_at: Instant
    updated_at: Instant
    updated_by: str
    queue: str = DEFAULT_QUEUE


_TASK = tuple(task.c[name] for name in TaskRow._fields)
Rows = Select[*tuple[Any, ...]]


def find_task(connection: Connection, task_id: int, *, principal: Principal) -> TaskRow | None:
    return _first(connection, _visible(principal).where(task.c.id == task_id))


def lock_task(connection: Connection, task_id: int, *, principal: Principal) -> TaskRow | None:
    """Keeps two changes of one task apart. Taken before its schedules, its gate and its executions."""
    return _first(connection, _visible(principal).where(task.c.id == task_id).with_for_update())


def hold_task(connection: Connection, task_id: int, *, principal: Principal) -> TaskRow | None:
    """The task, unchanged until the transaction ends: others may hold it too, a change of it waits."""
    return _first(connection, _visible(principal).where(task.c.id == task_id).with_for_update(read=True))


def list_tasks(
    connection: Connection,
    *,
    principal: Principal,
    limit: int,
    before_id: int | None = None,
    name: str | None = None,
    search: str | None = None,
    enabled: bool | None = None,
) -> list[TaskRow]:
    """Newest first, below `before_id`; `name` is the whole name, `search` a part of it in any case."""
    wanted = _visible(principal).order_by(task.c.id.desc()).limit(limit)
    if before_id is not None:
        wanted = wanted.where(task.c.id < before_id)
    if name is not None:
        wanted = wanted.where(task.c.name == name)
    if search is not None:
        wanted = wanted.where(func.lower(task.c.name).contains(search.lower(), autoescape=True))
    if enabled is not None:
        wanted = wanted.where(task.c.enabled == enabled)
    return [TaskRow(*row) for row in connection.execute(wanted)]


def insert_task(connection: Connection, row: TaskRow) -> None:
    """Raises DuplicateKey when the department has a task of that name."""
    _guarded(connection, insert(task).values(row._asdict()))


def update_task(connection: Connection, row: TaskRow) -> None:
    """Raises DuplicateKey when the department has another task of that name."""
    _guarded(connection, update(task).where(task.c.id == row.id).values(row._asdict()))


def delete_task(connection: Connection, task_id: int) -> None:
    """Revisions stay: executions that were recorded go on with theirs."""
    connection.execute(delete(task).where(task.c.id == task_id))


def insert_revision(connection: Connection, revision: Revision) -> None:
    connection.execute(
        insert(task_revision).values(
            task_id=revision.task_id,
            revision=revision.number,
            definition=encode_definition(revision.definition),
            created_at=revision.created_at,
            created_by=revision.created_by,
        )
    )


def find_revision(connection: Connection, task_id: int, number: int) -> Revision | None:
    rows = _revisions(
        connection, _REVISION.where(task_revision.c.task_id == task_id, task_revision.c.revision == number)
    )
    return rows[0] if rows else None


def list_revisions(
    connection: Connection, task_id: int, *, limit: int, before: int | None = None
) -> Sequence[Revision]:
    """Newest first, below number `before`."""
    wanted = _REVISION.where(task_revision.c.task_id == task_id)
    if before is not None:
        wanted = wanted.where(task_revision.c.revision < before)
    return _revisions(connection, wanted.order_by(task_revision.c.revision.desc()).limit(limit))


_REVISION = select(
    task_revision.c.task_id,
    task_revision.c.revision,
    task_revision.c.definition,
    task_revision.c.created_at,
    task_revision.c.created_by,
)


def _revisions(connection: Connection, wanted: Rows) -> list[Revision]:
    return [
        Revision(row.task_id, row.revision, decode_definition(row.definition), row.created_at, row.created_by)
        for row in connection.execute(wanted)
    ]


def _visible(principal: Principal) -> Rows:
    return select(*_TASK).where(visible(task, principal))


def _first(connection: Connection, wanted: Rows) -> TaskRow | None:
    row = connection.execute(wanted).first()
    return None if row is None else TaskRow(*row)


def _guarded(connection: Connection, statement: Executable) -> None:
    try:
        connection.execute(statement)
    except IntegrityError as error:
        raise DuplicateKey from error


def find_names(connection: Connection, task_ids: Iterable[int]) -> dict[int, str]:
    """The names of those of these tasks that still exist."""
    rows = connection.execute(select(task.c.id, task.c.name).where(task.c.id.in_(set(task_ids))))
    return {row.id: row.name for row in rows}
