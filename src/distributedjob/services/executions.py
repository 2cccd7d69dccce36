"""The verbs on executions: find, show, cancel, resolve, and the same for many at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from distributedjob.model.errors import Conflict, NotFound
from distributedjob.model.execution import Reason, State
from distributedjob.model.identity import Principal, first_id_at
from distributedjob.model.instant import Instant
from distributedjob.model.task import TaskDefinition
from distributedjob.services import ending
from distributedjob.services.desk import Transaction
from distributedjob.store import executions, history, tasks
from distributedjob.store.executions import Shown, ShownAttempt, ShownFailure, ShownOutput
from distributedjob.store.history import ENDED_BADLY, LIVE, Filter, Position
from distributedjob.store.parameters import find_parameters

BATCH = 1_000
"""Executions that one transaction cancels or deletes at most, so that no lock is held for long."""


class Resolution(StrEnum):
    """What a person found out about an execution whose answer was lost."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Record:
    """All there is about one execution. `task_name` is None when the task was deleted; `definition` is that of the
    revision it ran with, None if that was purged."""

    row: Shown
    task_name: str | None
    definition: TaskDefinition | None
    parameters: dict[str, object]
    attempts: Sequence[ShownAttempt]
    outputs: Sequence[ShownOutput]
    failure: ShownFailure | None


@dataclass(frozen=True, slots=True)
class Listed:
    """One execution of a list."""

    row: Shown
    task_name: str | None
    failure: ShownFailure | None


@dataclass(frozen=True, slots=True)
class Cancelled:
    """`asked`: they were running, and their workers were told. `more`: there are others; ask again."""

    cancelled: int
    asked: int
    more: bool


@dataclass(frozen=True, slots=True)
class Purged:
    purged: int
    more: bool


def get_execution(tx: Transaction, execution_id: int, *, principal: Principal) -> Shown:
    row = executions.find_execution(tx.connection, execution_id, principal=principal)
    if row is None:
        raise NotFound(f"there is no execution {execution_id}", id=str(execution_id))
    return row


def get_record(tx: Transaction, execution_id: int, *, principal: Principal) -> Record:
    row = get_execution(tx, execution_id, principal=principal)
    revision = (row.task_id, row.revision)
    return Record(
        row=row,
        task_name=tasks.find_names(tx.connection, [row.task_id]).get(row.task_id),
        definition=tx.revisions.load(tx.connection, [revision]).get(revision),
        parameters=find_parameters(tx.connection, row.id),
        attempts=executions.list_attempts(tx.connection, row.id),
        outputs=executions.list_outputs(tx.connection, row.id),
        failure=executions.list_failures(tx.connection, [row.id]).get(row.id),
    )


def list_executions(
    tx: Transaction, wanted: Filter, *, principal: Principal, limit: int, after: Position | None
) -> tuple[list[Listed], Position | None]:
    """A page, newest first, and where the next one begins."""
    page = history.list_executions(tx.connection, wanted, principal=principal, limit=limit, after=after)
    return _listed(tx, page.rows), page.position


def _listed(tx: Transaction, rows: Sequence[Shown]) -> list[Listed]:
    names = tasks.find_names(tx.connection, [row.task_id for row in rows])
    failures = executions.list_failures(tx.connection, [row.id for row in rows if row.state in ENDED_BADLY])
    return [Listed(row, names.get(row.task_id), failures.get(row.id)) for row in rows]


def list_one(tx: Transaction, row: Shown) -> Listed:
    """An execution as a list shows it."""
    return _listed(tx, [row])[0]


def cancel_execution(tx: Transaction, execution_id: int, *, principal: Principal) -> Listed:
    """Ends it at once if it waits; a running one is asked to stop. Raises Conflict if it has ended."""
    row = get_execution(tx, execution_id, principal=principal)
    if State(row.state).terminal:
        message = f"execution {row.id} has ended ({State(row.state).word}); there is nothing to cancel"
        raise Conflict(message, code="already_ended", id=str(row.id))
    ending.cancel(tx, [row.id])
    return list_one(tx, get_execution(tx, execution_id, principal=principal))


def cancel_executions(tx: Transaction, wanted: Filter, *, principal: Principal) -> Cancelled:
    """Cancel the newest `BATCH` unfinished executions of a filter."""
    chosen = Filter(task_id=wanted.task_id, states=wanted.states & LIVE or LIVE, until=wanted.until)
    page = history.list_executions(tx.connection, chosen, principal=principal, limit=BATCH)
    ids = {row.id for row in page.rows if not row.cancel_asked}
    ended = ending.end_waiting(tx, ids, state=State.CANCELLED, reason=Reason.ASKED)
    asked = ending.ask_to_cancel(tx, ids - {row.id for row in ended})
    return Cancelled(len(ended), len(asked), page.position is not None)


def purge_executions(
    tx: Transaction, *, principal: Principal, before: Instant, task_id: int | None, states: frozenset[State]
) -> Purged:
    """Delete the oldest `BATCH` ended executions that were recorded before an instant."""
    ids = executions.list_terminal(
        tx.connection,
        principal=principal,
        below_id=first_id_at(before),
        task_id=task_id,
        states=states,
        limit=BATCH,
    )
    purged = executions.delete_executions(tx.connection, ids) if ids else 0
    return Purged(purged, len(ids) == BATCH)


def resolve_execution(
    tx: Transaction, execution_id: int, *, principal: Principal, resolution: Resolution, note: str
) -> Record:
    """Note what became of an `unknown` execution. Its state stays, and so does the first resolution."""
    row = get_execution(tx, execution_id, principal=principal)
    if row.state != State.UNKNOWN:
        message = f"execution {row.id} is {State(row.state).word}; only unknown ones are resolved by hand"
        raise Conflict(message, code="not_unknown", id=str(row.id))
    done = executions.resolve(
        tx.connection,
        row.id,
        resolution=resolution.value,
        note=note,
        resolved_by=principal.name,
        resolved_at=tx.now,
    )
    if not done:
        raise Conflict(f"execution {row.id} was resolved before", code="already_resolved", id=str(row.id))
    return get_record(tx, execution_id, principal=principal)
