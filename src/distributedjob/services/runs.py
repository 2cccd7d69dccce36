"""Runs that somebody asks for: by hand, by a program, or as the repetition of an earlier one."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

import msgspec

from distributedjob.model.errors import Conflict, Invalid, NotFound
from distributedjob.model.execution import State, Trigger
from distributedjob.model.identity import Principal
from distributedjob.model.instant import micros
from distributedjob.services.desk import Transaction
from distributedjob.services.executions import Listed, get_execution, list_one
from distributedjob.services.recording import record_manual
from distributedjob.services.stops import refuse_stopped
from distributedjob.store import requests, tasks
from distributedjob.store.errors import DuplicateKey
from distributedjob.store.parameters import find_parameters
from distributedjob.store.requests import ClientKey
from distributedjob.store.tasks import TaskRow

KEY_KEPT = timedelta(hours=24)


class RerunWith(StrEnum):
    """Which revision a rerun uses: that of the execution it repeats, or the task's present one."""

    SAME = "same"
    CURRENT = "current"


def run_task(
    tx: Transaction,
    task_id: int,
    *,
    principal: Principal,
    parameters: Mapping[str, object],
    key: str | None = None,
) -> Listed:
    """Record a run now, paused or not. The same `key` within 24 h gives the same execution again.

    Raises Conflict (`stopped`) under a stop switch, Invalid (`idempotency_key_reused`) for a key that came with
    another task or other parameters.
    """
    if key is None:
        return _run(tx, _task(tx, task_id, principal), principal, parameters)
    owned = ClientKey(principal.user_id, key)
    known = _take(tx, owned, digest=_digest(task_id, parameters))
    if known is not None:
        return list_one(tx, get_execution(tx, known, principal=principal))
    run = _run(tx, _task(tx, task_id, principal), principal, parameters)
    requests.set_execution(tx.connection, owned, run.row.id)
    return run


def _take(tx: Transaction, key: ClientKey, *, digest: str) -> int | None:
    """Reserve a key for this request; the execution that it made before, if it did."""
    try:
        requests.take_key(tx.connection, key, digest=digest, now=tx.now, expires_at=tx.now + micros(KEY_KEPT))
    except DuplicateKey:
        known = requests.get_request(tx.connection, key)
        if known.digest != digest:
            message = f"the key '{key.name}' was used for another request in the last 24 hours; use a new one"
            raise Invalid.one("Idempotency-Key", message, code="idempotency_key_reused") from None
        return known.execution_id
    return None


def rerun(tx: Transaction, execution_id: int, *, principal: Principal, revision: RerunWith) -> Listed:
    """Repeat an execution that has ended, with its parameters."""
    old = get_execution(tx, execution_id, principal=principal)
    if not State(old.state).terminal:
        message = f"execution {old.id} is {State(old.state).word}; only one that has ended can be run again"
        raise Conflict(message, code="not_ended", id=str(old.id))
    task = tasks.hold_task(tx.connection, old.task_id, principal=principal)
    if task is None:
        raise Conflict(f"the task of execution {old.id} was deleted", code="task_deleted", id=str(old.id))
    return _record(
        tx,
        task,
        revision=task.revision if revision is RerunWith.CURRENT else old.revision,
        principal=principal,
        trigger=Trigger.RERUN,
        parameters=find_parameters(tx.connection, old.id),
        related_id=old.id,
    )


def _run(tx: Transaction, task: TaskRow, principal: Principal, parameters: Mapping[str, object]) -> Listed:
    trigger = Trigger.API if principal.via == "token" else Trigger.MANUAL
    return _record(
        tx,
        task,
        revision=task.revision,
        principal=principal,
        trigger=trigger,
        parameters=parameters,
        related_id=None,
    )


def _record(
    tx: Transaction,
    task: TaskRow,
    *,
    revision: int,
    principal: Principal,
    trigger: Trigger,
    parameters: Mapping[str, object],
    related_id: int | None,
) -> Listed:
    wanted, present = (task.id, revision), (task.id, task.revision)
    definitions = tx.revisions.load(tx.connection, {wanted, present})
    refuse_stopped(tx, definitions[wanted], department_id=task.department_id)
    row = record_manual(
        tx,
        task_id=task.id,
        revision=revision,
        department_id=task.department_id,
        definition=definitions[wanted],
        gate=definitions[present].policies,
        trigger=trigger,
        parameters=parameters,
        related_id=related_id,
    )
    return list_one(tx, get_execution(tx, row.id, principal=principal))


def _task(tx: Transaction, task_id: int, principal: Principal) -> TaskRow:
    row = tasks.hold_task(tx.connection, task_id, principal=principal)
    if row is None:
        raise NotFound(f"there is no task {task_id}", id=str(task_id))
    return row


def _digest(task_id: int, parameters: Mapping[str, object]) -> str:
    content = msgspec.json.encode([task_id, parameters], order="deterministic")
    return hashlib.sha256(content).hexdigest()
