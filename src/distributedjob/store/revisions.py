"""Revisions are immutable, so a definition that was read once is right for ever."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from threading import Lock

import msgspec
from sqlalchemy import Connection, select, tuple_

from distributedjob.model.task import TaskDefinition
from distributedjob.store.codec import decode_definition
from distributedjob.store.tables import task, task_revision

RevisionId = tuple[int, int]
"""(task_id, revision)."""

CHUNK = 500


class Revisions:
    """The definitions of revisions, with the most recently used `capacity` of them in memory. Thread-safe."""

    def __init__(self, *, capacity: int = 20_000) -> None:
        self._capacity = capacity
        self._known: OrderedDict[RevisionId, TaskDefinition] = OrderedDict()
        self._lock = Lock()

    def find(self, revision: RevisionId) -> TaskDefinition | None:
        """The definition if it is in memory."""
        return self._known.get(revision)

    def load(self, connection: Connection, wanted: Iterable[RevisionId]) -> Mapping[RevisionId, TaskDefinition]:
        """The definitions of all `wanted` revisions that exist and can be read; reads those not in memory."""
        found: dict[RevisionId, TaskDefinition] = {}
        missing: list[RevisionId] = []
        for revision in set(wanted):
            definition = self._known.get(revision)
            if definition is None:
                missing.append(revision)
            else:
                found[revision] = definition
        for start in range(0, len(missing), CHUNK):
            fresh = _read(connection, missing[start : start + CHUNK])
            found.update(fresh)
            self._keep(fresh)
        return found

    def _keep(self, fresh: Mapping[RevisionId, TaskDefinition]) -> None:
        with self._lock:
            self._known.update(fresh)
            while len(self._known) > self._capacity:
                self._known.popitem(last=False)


def _read(connection: Connection, wanted: list[RevisionId]) -> dict[RevisionId, TaskDefinition]:
    key = tuple_(task_revision.c.task_id, task_revision.c.revision)
    rows = connection.execute(
        select(task_revision.c.task_id, task_revision.c.revision, task_revision.c.definition).where(key.in_(wanted))
    )
    found: dict[RevisionId, TaskDefinition] = {}
    for row in rows:
        # One that this version cannot read, written by a later one, must not keep the others from being read.
        with suppress(ValueError, TypeError, KeyError, msgspec.ValidationError, msgspec.DecodeError):
            found[row.task_id, row.revision] = decode_definition(row.definition)
    return found


def hold_current_revision(connection: Connection, task_id: int) -> int | None:
    """The revision in force, until the transaction ends; None when the task was deleted."""
    query = select(task.c.revision).where(task.c.id == task_id).with_for_update(read=True)
    return connection.execute(query).scalar_one_or_none()


def find_current_revisions(connection: Connection, task_ids: Iterable[int]) -> dict[int, int]:
    """task id → revision in force; deleted tasks are absent."""
    rows = connection.execute(select(task.c.id, task.c.revision).where(task.c.id.in_(list(task_ids))))
    return {row.id: row.revision for row in rows}
