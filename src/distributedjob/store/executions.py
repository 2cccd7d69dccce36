"""One execution as it is shown: its row, its attempts, what they got back, how it failed and how it was resolved."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Select, delete, exists, select, update

from distributedjob.model.execution import FIRST_TERMINAL, State
from distributedjob.model.identity import Principal
from distributedjob.model.instant import Instant
from distributedjob.store.bodies import decode_body
from distributedjob.store.scope import visible
from distributedjob.store.tables import attempt, execution, execution_parameters, failure, output, schedule


class Shown(NamedTuple):
    """A row of `execution`, without what only the machinery needs."""

    id: int
    task_id: int
    source_id: int
    fire_at: Instant
    not_before: Instant
    deadline_at: Instant
    state: int
    reason: str | None
    trigger: int
    priority: int
    queue: str
    department_id: int
    revision: int
    attempt: int
    cancel_asked: bool
    flags: int
    recorded_at: Instant
    started_at: Instant | None
    claimed_at: Instant | None
    sent_at: Instant | None
    ended_at: Instant | None
    status: int | None
    range_end: Instant | None
    range_count: int | None
    related_id: int | None


class ShownAttempt(NamedTuple):
    """An attempt that did not end its execution. `evidence`: it came too late to count."""

    no: int
    evidence: int
    outcome: str
    reason: str
    message: str
    status: int | None
    claimed_at: Instant | None
    sent_at: Instant | None
    ended_at: Instant


class ShownOutput(NamedTuple):
    """The answer to one attempt, its body decoded."""

    no: int
    evidence: int
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    truncated: bool


class ShownFailure(NamedTuple):
    execution_id: int
    outcome: str
    reason: str
    message: str
    resolution: str | None
    resolution_note: str | None
    resolved_by: str | None
    resolved_at: Instant | None


COLUMNS = tuple(execution.c[name] for name in Shown._fields)
Rows = Select[*tuple[Any, ...]]


def find_execution(connection: Connection, execution_id: int, *, principal: Principal) -> Shown | None:
    row = connection.execute(shown(principal).where(execution.c.id == execution_id)).first()
    return None if row is None else Shown(*row)


def shown(principal: Principal) -> Rows:
    """SELECT of what this principal may see, in the order of `Shown`."""
    return select(*COLUMNS).where(visible(execution, principal))


def list_attempts(connection: Connection, execution_id: int) -> list[ShownAttempt]:
    columns = (attempt.c[name] for name in ShownAttempt._fields)
    rows = select(*columns).where(attempt.c.execution_id == execution_id).order_by(attempt.c.no, attempt.c.evidence)
    return [ShownAttempt(*row) for row in connection.execute(rows)]


def list_outputs(connection: Connection, execution_id: int) -> list[ShownOutput]:
    rows = connection.execute(
        select(output).where(output.c.execution_id == execution_id).order_by(output.c.no, output.c.evidence)
    )
    return [
        ShownOutput(
            row.no,
            row.evidence,
            row.status,
            [(name, value) for name, value in msgspec.json.decode(row.headers)],
            decode_body(row.coding, row.body),
            bool(row.truncated),
        )
        for row in rows
    ]


def list_failures(connection: Connection, execution_ids: Sequence[int]) -> dict[int, ShownFailure]:
    """The failures of these executions, by execution id."""
    if not execution_ids:
        return {}
    columns = (failure.c[name] for name in ShownFailure._fields)
    rows = connection.execute(select(*columns).where(failure.c.execution_id.in_(execution_ids)))
    return {row.execution_id: ShownFailure(*row) for row in rows}


def resolve(
    connection: Connection, execution_id: int, *, resolution: str, note: str, resolved_by: str, resolved_at: Instant
) -> bool:
    """Says what became of an `unknown` execution. False when there is none, or it was resolved before."""
    change = {
        "resolution": resolution,
        "resolution_note": note,
        "resolved_by": resolved_by,
        "resolved_at": resolved_at,
    }
    open_ = (
        failure.c.execution_id == execution_id,
        failure.c.state == State.UNKNOWN,
        failure.c.resolution.is_(None),
    )
    return connection.execute(update(failure).where(*open_).values(change)).rowcount == 1


def list_terminal(
    connection: Connection,
    *,
    principal: Principal,
    below_id: int,
    task_id: int | None,
    states: Iterable[State],
    limit: int,
) -> list[int]:
    """Ids of ended executions recorded before `below_id` was made, oldest first, at most `limit`.

    Without those from whose end a schedule has yet to count.
    """
    waited_for = exists().where(schedule.c.waiting_id == execution.c.id)
    wanted = select(execution.c.id).where(
        visible(execution, principal), execution.c.id < below_id, execution.c.state >= FIRST_TERMINAL, ~waited_for
    )
    chosen = list(states)
    if chosen:
        wanted = wanted.where(execution.c.state.in_(chosen))
    if task_id is not None:
        wanted = wanted.where(execution.c.task_id == task_id)
    return list(connection.execute(wanted.order_by(execution.c.id).limit(limit)).scalars())


def delete_executions(connection: Connection, ids: Sequence[int]) -> int:
    """Delete ended executions with all that belongs to them; returns how many there were."""
    for table in (attempt, output, failure, execution_parameters):
        connection.execute(delete(table).where(table.c.execution_id.in_(ids)))
    ended = (execution.c.id.in_(ids), execution.c.state >= FIRST_TERMINAL)
    return connection.execute(delete(execution).where(*ended)).rowcount
