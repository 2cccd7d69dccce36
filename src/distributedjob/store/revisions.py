"""Revisions are immutable, so a definition that was read once is right for ever.

Where nodes share a cache, it is asked before the database: a node that starts finds there what the others have read.
That takes half the time of the query, and takes the load off the database. What it does not have, or what cannot be
read, comes from the database as ever.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from threading import Lock

import msgspec
from sqlalchemy import Connection, select, tuple_
from sqlalchemy.util import await_

from distributedjob.cache.port import Cache
from distributedjob.model.task import TaskDefinition
from distributedjob.store.codec import decode_definition
from distributedjob.store.tables import task, task_revision

RevisionId = tuple[int, int]
"""(task_id, revision)."""

CHUNK = 500
SHARED_FOR = timedelta(hours=1)


class Revisions:
    """The definitions of revisions, with the most recently used `capacity` of them in memory. Thread-safe."""

    def __init__(self, *, capacity: int = 20_000, shared: Cache | None = None) -> None:
        """With `shared`, `load` is called in units that run on the event loop."""
        self._capacity = capacity
        self._shared = shared
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
            fresh = self._fetch(connection, missing[start : start + CHUNK])
            found.update(fresh)
            self._keep(fresh)
        return found

    def _fetch(self, connection: Connection, wanted: list[RevisionId]) -> dict[RevisionId, TaskDefinition]:
        if self._shared is None:
            return _readable(_read(connection, wanted))
        names = {_name(revision): revision for revision in wanted}
        shared = await_(self._shared.find(list(names)))
        found = _readable({names[name]: text.decode() for name, text in shared.items()})
        if missing := [revision for revision in wanted if revision not in found]:
            texts = _read(connection, missing)
            found |= _readable(texts)
            values = {_name(revision): text.encode() for revision, text in texts.items()}
            await_(self._shared.put(values, ttl=SHARED_FOR))
        return found

    def _keep(self, fresh: Mapping[RevisionId, TaskDefinition]) -> None:
        with self._lock:
            self._known.update(fresh)
            while len(self._known) > self._capacity:
                self._known.popitem(last=False)


def _name(revision: RevisionId) -> str:
    return f"revision:{revision[0]}:{revision[1]}"


def _read(connection: Connection, wanted: list[RevisionId]) -> dict[RevisionId, str]:
    key = tuple_(task_revision.c.task_id, task_revision.c.revision)
    rows = connection.execute(
        select(task_revision.c.task_id, task_revision.c.revision, task_revision.c.definition).where(key.in_(wanted))
    )
    return {(row.task_id, row.revision): row.definition for row in rows}


def _readable(texts: Mapping[RevisionId, str]) -> dict[RevisionId, TaskDefinition]:
    found: dict[RevisionId, TaskDefinition] = {}
    for revision, text in texts.items():
        # One that this version cannot read, written by a later one, must not keep the others from being read.
        with suppress(ValueError, TypeError, KeyError, msgspec.ValidationError, msgspec.DecodeError):
            found[revision] = decode_definition(text)
    return found


def hold_current_revision(connection: Connection, task_id: int) -> int | None:
    """The revision in force, until the transaction ends; None when the task was deleted."""
    query = select(task.c.revision).where(task.c.id == task_id).with_for_update(read=True)
    return connection.execute(query).scalar_one_or_none()


def find_current_revisions(connection: Connection, task_ids: Iterable[int]) -> dict[int, int]:
    """task id → revision in force; deleted tasks are absent."""
    rows = connection.execute(select(task.c.id, task.c.revision).where(task.c.id.in_(list(task_ids))))
    return {row.id: row.revision for row in rows}
