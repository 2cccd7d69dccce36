"""The hot statements. Each takes a whole batch as one JSON parameter and touches rows by primary key.

Order of locks, everywhere: schedule rows by id, then gate rows by task id, then executions.
A claim or a result that changes fewer rows than it was given is re-read by (id, holder, fence): what carries
the caller's own is the caller's, whoever's answer was lost on the way.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from distributedjob.model.execution import Claimed, State
from distributedjob.model.instant import Instant
from distributedjob.store.errors import DuplicateKey
from distributedjob.store.hot.dialect import Dialect
from distributedjob.store.hot.rows import (
    AttemptRow,
    CursorMove,
    ExecutionRow,
    FailureRow,
    OutputRow,
    ResultRow,
    Rows,
    ScheduleRow,
)
from distributedjob.store.hot.texts import ALL_DEPARTMENTS, texts

_encode = msgspec.json.Encoder().encode


def as_json(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as the one parameter that the statements take."""
    return _encode([tuple(row) for row in rows]).decode()


def as_ids(ids: Iterable[int]) -> str:
    return _encode([(id_,) for id_ in ids]).decode()


class HotStatements:
    """The statements of one dialect; each method is part of the caller's transaction."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._sql = texts(dialect)

    def list_due(
        self, connection: Connection, *, until: Instant, shards: Sequence[int] | None, limit: int
    ) -> list[tuple[int, Instant]]:
        """(schedule id, cursor) of what is due until then, unlocked, from the covering index."""
        where = "" if shards is None else f" AND shard IN ({','.join(map(str, shards))})"
        sql = self._sql["due"].replace("{shards}", where)
        return [(row[0], row[1]) for row in connection.exec_driver_sql(sql, (until, limit))]

    def lock_schedules(self, connection: Connection, ids: Sequence[int]) -> list[ScheduleRow]:
        """The rows of these schedules, locked in order of id; deleted ones are absent."""
        rows = connection.exec_driver_sql(self._sql["lock"], (as_ids(sorted(set(ids))),))
        return [ScheduleRow(*row) for row in rows]

    def lock_free_schedules(self, connection: Connection, ids: Sequence[int]) -> list[ScheduleRow]:
        """As `lock_schedules`, without those that somebody else has locked."""
        rows = connection.exec_driver_sql(self._sql["lock_free"], (as_ids(sorted(set(ids))),))
        return [ScheduleRow(*row) for row in rows]

    def insert_executions(self, connection: Connection, rows: Sequence[ExecutionRow]) -> None:
        """Plain INSERT: a duplicate key raises DuplicateKey and inserts none of them."""
        try:
            connection.exec_driver_sql(self._sql["insert"], (as_json(rows),))
        except IntegrityError as error:
            raise DuplicateKey(str(error.orig)) from error

    def find_fires(self, connection: Connection, keys: Iterable[tuple[int, Instant, int]]) -> set[tuple[int, int, int]]:
        """Which (task_id, fire_at, source_id) are recorded already."""
        rows = connection.exec_driver_sql(self._sql["fires"], (as_json(keys),))
        return {(row[0], row[1], row[2]) for row in rows}

    def move_cursors(self, connection: Connection, moves: Sequence[CursorMove]) -> None:
        connection.exec_driver_sql(self._sql["move"], (as_json(moves),))

    def claim(
        self,
        connection: Connection,
        hints: Sequence[tuple[int, int]],
        *,
        queue: str,
        session: int,
        now: Instant,
        except_departments: Sequence[int] = (),
    ) -> list[Claimed]:
        """Claim by (id, fence as hinted); returns what `session` holds of them since `now`.

        `now` is part of the identity: a hint and a pull of one session may meet on a row, and only one of them
        may run it.
        """
        if not hints:
            return []
        sql = self._except("claim", except_departments)
        connection.exec_driver_sql(sql, self._claim_parameters(hints, queue, session, now))
        rows = connection.exec_driver_sql(self._sql["claimed"], (as_json(hints), session, now))
        return [Claimed(*row) for row in rows]

    def pull(
        self,
        connection: Connection,
        *,
        queue: str,
        session: int,
        due_before: Instant,
        now: Instant,
        limit: int,
        except_departments: Sequence[int] = (),
    ) -> list[Claimed]:
        """Claim up to `limit` executions that have been due since `due_before`, by priority.

        What is read is locked, and read as the claim leaves it, so nothing is read again.
        """
        sql = self._except("pull", except_departments)
        claims = [Claimed(*row) for row in connection.exec_driver_sql(sql, (now, now, queue, due_before, now, limit))]
        if not claims:
            return []
        hints = [(claimed.id, claimed.fence - 1) for claimed in claims]
        sql = self._except("claim", except_departments)
        changed = connection.exec_driver_sql(sql, self._claim_parameters(hints, queue, session, now)).rowcount
        if changed < len(claims):
            raise RuntimeError(f"{len(claims) - changed} of {len(claims)} locked executions could not be claimed")
        return claims

    def mark(self, connection: Connection, claims: Sequence[tuple[int, int, int]]) -> set[int]:
        """Set the start mark of (id, holder, fence); returns the ids that carry it now and may be called."""
        parameter = as_json(claims)
        connection.exec_driver_sql(self._sql["mark"], (parameter,))
        return {row[0] for row in connection.exec_driver_sql(self._sql["marked"], (parameter,))}

    def finish(self, connection: Connection, results: Sequence[ResultRow]) -> dict[int, int]:
        """Write results; returns id → state for those that this holder and fence wrote, now or before."""
        changed = connection.exec_driver_sql(self._sql["finish"], (as_json(results),)).rowcount
        if changed == len(results) and all(row.state >= State.SUCCEEDED for row in results):
            return {row.id: row.state for row in results}
        keys = as_json((row.id, row.holder, row.fence) for row in results)
        rows = connection.exec_driver_sql(self._sql["finished"], (keys,))
        return {row[0]: row[1] for row in rows}

    def rescue(self, connection: Connection, results: Sequence[ResultRow]) -> dict[int, int]:
        """Take rows from a lost holder: as `finish`, with the fence raised so that the holder's word comes too
        late. Returns id → state."""
        connection.exec_driver_sql(self._sql["rescue"], (as_json(results),))
        keys = as_json((row.id, row.holder, row.fence + 1) for row in results)
        rows = connection.exec_driver_sql(self._sql["finished"], (keys,))
        return {row[0]: row[1] for row in rows}

    def finish_rescued(self, connection: Connection, results: Sequence[ResultRow]) -> set[int]:
        """End rows that were rescued but not claimed again, by the result of the same attempt."""
        connection.exec_driver_sql(self._sql["finish_rescued"], (as_json(results),))
        keys = as_json((row.id, row.holder, row.fence + 1, row.attempt) for row in results)
        return {row[0] for row in connection.exec_driver_sql(self._sql["finished_rescued"], (keys,))}

    def insert_outputs(self, connection: Connection, rows: Sequence[OutputRow]) -> None:
        self._insert(connection, "output", rows)

    def insert_attempts(self, connection: Connection, rows: Sequence[AttemptRow]) -> None:
        self._insert(connection, "attempt", rows)

    def insert_failures(self, connection: Connection, rows: Sequence[FailureRow]) -> None:
        self._insert(connection, "failure", rows)

    def leave_gates(self, connection: Connection, execution_ids: Iterable[int]) -> int:
        """Delete the gate entries of ended executions; returns how many there were."""
        return connection.exec_driver_sql(self._sql["leave"], (as_ids(execution_ids),)).rowcount

    def _except(self, name: str, departments: Sequence[int]) -> str:
        """The statement as it is, or without the rows of some departments."""
        sql = self._sql[name]
        if not departments:
            return sql
        return sql.replace(ALL_DEPARTMENTS, f"AND e.department_id NOT IN ({','.join(map(str, departments))})")

    def _insert(self, connection: Connection, name: str, rows: Rows) -> None:
        """Insert rows that are not there yet; a repeated result finds its own and leaves them."""
        if rows:
            connection.exec_driver_sql(self._sql[name], (as_json(rows),))

    def _claim_parameters(
        self, hints: Sequence[tuple[int, int]], queue: str, session: int, now: Instant
    ) -> tuple[Any, ...]:
        values = (session, now, now)
        conditions = (queue, now, now)
        rows = (as_json(hints),)
        # The JSON source stands in FROM on SQLite, after SET; in MySQL's joined UPDATE it comes first.
        return (*values, *rows, *conditions) if self.dialect.name == "sqlite" else (*rows, *conditions, *values)
