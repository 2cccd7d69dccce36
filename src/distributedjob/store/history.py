"""Pages of executions, newest first, at a cost that does not grow with the history.

Keys are walked in the order of an index, then their rows are read and filtered. Which index depends on the filter:

- of one task: the unique key (task_id, fire_at, source_id), by fire time;
- unfinished ones: the index `live`, which holds nothing else;
- those that ended badly: the keys of `failure`;
- everything else: the primary key, by time of recording.

A filter that no index answers looks at `SCAN` keys at most per page; the page is then shorter than asked for, and
its position says where to go on.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, literal_column, select

from distributedjob.model.execution import State, Trigger
from distributedjob.model.identity import Principal, first_id_at
from distributedjob.model.instant import Instant
from distributedjob.store.executions import Rows, Shown, shown
from distributedjob.store.tables import execution, failure

SCAN = 10_000
WINDOW = 1_000
LIVE = frozenset({State.PENDING, State.BLOCKED, State.RUNNING})
ENDED_BADLY = frozenset({State.FAILED, State.TIMED_OUT, State.CANCELLED, State.EXPIRED, State.UNKNOWN})

Position = tuple[int, ...]
"""(id,), or (fire_at, source_id): the last key of the page before."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Empty `states`: all. `since` (inclusive) and `until` (exclusive) bound the fire time where the list goes by
    fire time, else the time of recording."""

    task_id: int | None = None
    states: frozenset[State] = frozenset()
    trigger: Trigger | None = None
    since: Instant | None = None
    until: Instant | None = None

    @property
    def by_fire_time(self) -> bool:
        return self.task_id is not None and not self.is_live and not self.is_bad

    def accepts(self, *, task_id: int, state: int, trigger: int) -> bool:
        return (
            (not self.states or state in self.states)
            and (self.trigger is None or trigger == self.trigger)
            and (self.task_id is None or task_id == self.task_id)
        )

    @property
    def is_live(self) -> bool:
        return bool(self.states) and self.states <= LIVE

    @property
    def is_bad(self) -> bool:
        return bool(self.states) and self.states <= ENDED_BADLY


@dataclass(frozen=True, slots=True)
class Page:
    """`position` is where the next page begins; None when there is nothing more."""

    rows: list[Shown]
    position: Position | None


class _Key(NamedTuple):
    """`may_match` is false where the walk has seen already that the filter refuses this row."""

    id: int
    position: Position
    may_match: bool = True


_FILTERED = (execution.c.id, execution.c.task_id, execution.c.state, execution.c.trigger)
_Walk = Callable[[Position | None, int], list[_Key]]


def list_executions(
    connection: Connection, wanted: Filter, *, principal: Principal, limit: int, after: Position | None = None
) -> Page:
    """The page that follows `after`."""
    walk = _walk(connection, wanted)
    window = limit + 1 if _is_answered_by_index(wanted) else WINDOW
    found: list[tuple[_Key, Shown]] = []
    position, scanned = after, 0
    while len(found) <= limit and scanned < SCAN:
        keys = walk(position, window)
        candidates = (key for key in keys if key.may_match)
        while len(found) <= limit and (some := list(islice(candidates, limit + 1))):
            rows = _load(connection, wanted, principal, [key.id for key in some])
            found.extend((key, rows[key.id]) for key in some if key.id in rows)
        scanned += len(keys)
        if len(keys) < window:
            position = None
            break
        position = keys[-1].position
    if len(found) > limit:
        position = found[limit - 1][0].position
    return Page([row for _, row in found[:limit]], position)


def _is_answered_by_index(wanted: Filter) -> bool:
    if wanted.trigger is not None:
        return False
    return wanted.is_live or (wanted.is_bad and wanted.task_id is None) or not wanted.states


def _load(connection: Connection, wanted: Filter, principal: Principal, ids: Sequence[int]) -> dict[int, Shown]:
    query = shown(principal).where(execution.c.id.in_(ids))
    if wanted.states:
        query = query.where(execution.c.state.in_(wanted.states))
    if wanted.trigger is not None:
        query = query.where(execution.c.trigger == wanted.trigger)
    if wanted.task_id is not None:
        query = query.where(execution.c.task_id == wanted.task_id)
    return {row[0]: Shown(*row) for row in connection.execute(query)}


def _walk(connection: Connection, wanted: Filter) -> _Walk:
    if wanted.by_fire_time:
        return lambda after, count: _by_fire(connection, wanted, after, count)
    if wanted.is_live:
        return lambda after, count: _by_live(connection, wanted, after, count)
    if wanted.is_bad:
        return lambda after, count: _by_failure(connection, wanted, after, count)
    return lambda after, count: _by_id(connection, wanted, after, count)


def _by_fire(connection: Connection, wanted: Filter, after: Position | None, count: int) -> list[_Key]:
    fire_at, source_id = execution.c.fire_at, execution.c.source_id
    query = select(*_FILTERED, fire_at, source_id).where(execution.c.task_id == wanted.task_id)
    if wanted.since is not None:
        query = query.where(fire_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(fire_at < wanted.until)
    if after is not None:
        query = query.where(fire_at <= after[0], (fire_at < after[0]) | (source_id < after[1]))
    rows = connection.execute(query.order_by(fire_at.desc(), source_id.desc()).limit(count))
    return [
        _Key(id_, (at, source), wanted.accepts(task_id=task_id, state=state, trigger=trigger))
        for id_, task_id, state, trigger, at, source in rows
    ]


def _by_id(connection: Connection, wanted: Filter, after: Position | None, count: int) -> list[_Key]:
    query = _bounded(select(*_FILTERED), execution.c.id, wanted, after)
    return [
        _Key(id_, (id_,), wanted.accepts(task_id=task_id, state=state, trigger=trigger))
        for id_, task_id, state, trigger in connection.execute(query.order_by(execution.c.id.desc()).limit(count))
    ]


def _by_live(connection: Connection, wanted: Filter, after: Position | None, count: int) -> list[_Key]:
    """The index is not in the order of ids, so all of it is read, unless a backlog made it long."""
    # A literal, since SQLite compares the words of a partial index's condition.
    query = select(execution.c.id).where(execution.c.state.in_(wanted.states), literal_column("execution.state < 10"))
    if wanted.task_id is not None:
        query = query.where(execution.c.task_id == wanted.task_id)
    query = _bounded(query, execution.c.id, wanted, after).limit(SCAN + 1)
    ids = list(connection.execute(query).scalars())
    if len(ids) > SCAN:
        return _by_id(connection, wanted, after, count)
    return _keys(islice(sorted(ids, reverse=True), count))


def _by_failure(connection: Connection, wanted: Filter, after: Position | None, count: int) -> list[_Key]:
    keys = _bounded(select(failure.c.execution_id), failure.c.execution_id, wanted, after)
    keys = keys.order_by(failure.c.execution_id.desc()).limit(count)
    if wanted.task_id is not None:
        return _keys(connection.execute(keys.where(failure.c.task_id == wanted.task_id)).scalars())
    # One query per state: a list of states would have to be sorted.
    found = [
        id_ for state in wanted.states for id_ in connection.execute(keys.where(failure.c.state == state)).scalars()
    ]
    return _keys(islice(sorted(found, reverse=True), count))


def _bounded(query: Rows, column: ColumnElement[int], wanted: Filter, after: Position | None) -> Rows:
    if wanted.since is not None:
        query = query.where(column >= first_id_at(wanted.since))
    if wanted.until is not None:
        query = query.where(column < first_id_at(wanted.until))
    return query if after is None else query.where(column < after[0])


def _keys(ids: Iterable[int]) -> list[_Key]:
    return [_Key(id_, (id_,)) for id_ in ids]
