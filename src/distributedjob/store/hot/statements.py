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

from distributedjob.model.execution import Claimed, Flag, State
from distributedjob.model.instant import Instant
from distributedjob.store.errors import DuplicateKey
from distributedjob.store.hot.dialect import Dialect
from distributedjob.store.hot.rows import (
    INT,
    AttemptRow,
    CursorMove,
    ExecutionRow,
    FailureRow,
    OutputRow,
    ResultRow,
    Rows,
    ScheduleRow,
    columns_of,
)

_encode = msgspec.json.Encoder().encode

ENDED_AT = "CASE WHEN e.cancel_asked = 1 OR j.state >= 10 THEN j.ended_at END"
"""An execution that goes on has no end, whatever its last attempt had."""

ALL_DEPARTMENTS = "/* of all departments */"
"""Where a claim that leaves some out says so."""

STOPPED = (
    "CASE WHEN e.cancel_asked = 0 OR j.state NOT IN (1, 2, 13) THEN j.reason "
    f"WHEN e.flags & {Flag.REPLACED:d} THEN 'replaced' ELSE 'asked' END"
)
"""Why an execution ends that was asked to stop; one that ended otherwise before it could be told keeps its reason."""

ID = [("id", INT)]
ID_FENCE = [("id", INT), ("fence", INT)]
ID_HOLDER_FENCE = [("id", INT), ("holder", INT), ("fence", INT)]
CLAIMED = (
    "e.id, e.task_id, e.source_id, e.revision, e.fire_at, e.not_before, e.deadline_at, e.fence, e.attempt, "
    "e.{trigger}, e.flags, e.claimed_at, e.started_at, e.department_id"
)
TO_BE_CLAIMED = (
    CLAIMED.replace("e.fence", "e.fence + 1")
    .replace("e.attempt", "e.attempt + 1")
    .replace("e.claimed_at", "{mark}")
    .replace("e.started_at", "COALESCE(e.started_at, {mark})")
)


def as_json(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as the one parameter that the statements take."""
    return _encode([tuple(row) for row in rows]).decode()


def as_ids(ids: Iterable[int]) -> str:
    return _encode([(id_,) for id_ in ids]).decode()


class HotStatements:
    """The statements of one dialect; each method is part of the caller's transaction."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._sql = _texts(dialect)

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


def _texts(d: Dialect) -> dict[str, str]:
    quote = '"{}"' if d.name == "sqlite" else "`{}`"
    trigger = quote.format("trigger")
    insert = ", ".join(trigger if name == "trigger" else name for name in ExecutionRow._fields)
    source = ", ".join(f"j.{trigger if name == 'trigger' else name}" for name in ExecutionRow._fields)
    execution = [(trigger if name == "trigger" else name, kind) for name, kind in columns_of(ExecutionRow)]
    claimed = CLAIMED.replace("{trigger}", trigger)
    to_be_claimed = TO_BE_CLAIMED.replace("{trigger}", trigger).replace("{mark}", d.mark)
    unlive = "+" if d.name == "sqlite" else ""  # keeps SQLite's planner off the `live` index: rows come by id
    lock = (
        "SELECT s.id, s.task_id, s.department_id, s.revision, s.next_fire_at, s.fires_left, s.seed, s.definition "
        f"FROM (SELECT {d.apart}j.id FROM {d.rows(ID)}) AS w {d.join} schedule AS s {d.by_key} ON s.id = w.id"
    )
    return {
        "due": f"SELECT id, next_fire_at FROM schedule WHERE next_fire_at <= {d.mark}{{shards}} "
        f"ORDER BY next_fire_at LIMIT {d.mark}",
        "lock": f"{lock} {d.for_update}",
        "lock_free": f"{lock} {d.skip_locked}",
        "insert": f"INSERT INTO execution ({insert}) SELECT {source} FROM {d.rows(execution)}"
        + (" WHERE 1" if d.name == "sqlite" else ""),
        "fires": "SELECT e.task_id, e.fire_at, e.source_id FROM "
        f"{d.rows([('task_id', INT), ('fire_at', INT), ('source_id', INT)])} {d.join} execution AS e "
        "ON e.task_id = j.task_id AND e.fire_at = j.fire_at AND e.source_id = j.source_id",
        "move": d.update(
            "schedule",
            {"next_fire_at": "j.next_fire_at", "fires_left": "j.fires_left", "waiting_id": "j.waiting_id"},
            columns=columns_of(CursorMove),
            match="e.id = j.id",
        ),
        "claim": d.update(
            "execution",
            {
                "state": "3",
                "reason": "NULL",
                "marked": "0",
                "attempt": "e.attempt + 1",
                "fence": "e.fence + 1",
                "holder": d.mark,
                "claimed_at": d.mark,
                "started_at": f"COALESCE(e.started_at, {d.mark})",
            },
            columns=ID_FENCE,
            match=f"e.id = j.id AND e.fence = j.fence AND {unlive}e.state = 1 AND e.queue = {d.mark} "
            f"AND e.not_before <= {d.mark} AND e.deadline_at > {d.mark} AND e.cancel_asked = 0 {ALL_DEPARTMENTS}",
        ),
        "claimed": f"SELECT {claimed} FROM {d.rows(ID_FENCE)} {d.join} execution AS e "
        f"ON e.id = j.id AND e.fence = j.fence + 1 AND {unlive}e.state = 3 AND e.holder = {d.mark} "
        f"AND e.claimed_at = {d.mark}",
        "pull": f"SELECT {to_be_claimed} FROM execution AS e {d.live_index} WHERE e.state = 1 AND {d.live_rows} "
        f"AND e.queue = {d.mark} AND e.not_before <= {d.mark} AND e.deadline_at > {d.mark} AND e.cancel_asked = 0 "
        f"{ALL_DEPARTMENTS} ORDER BY e.priority, e.not_before LIMIT {d.mark} {d.skip_locked}",
        "mark": d.update(
            "execution",
            {"marked": "1"},
            columns=ID_HOLDER_FENCE,
            match=f"e.id = j.id AND e.holder = j.holder AND e.fence = j.fence AND {unlive}e.state = 3 "
            "AND e.cancel_asked = 0",
        ),
        "marked": f"SELECT e.id FROM {d.rows(ID_HOLDER_FENCE)} {d.join} execution AS e ON e.id = j.id "
        f"AND e.holder = j.holder AND e.fence = j.fence AND {unlive}e.state = 3 AND e.marked = 1",
        "finish": d.update(
            "execution",
            {
                "state": "CASE WHEN e.cancel_asked = 1 AND j.state < 10 THEN 13 ELSE j.state END",
                "reason": STOPPED,
                "not_before": "COALESCE(j.not_before, e.not_before)",
                "attempt": "e.attempt - j.given_back",
                "status": "j.status",
                "sent_at": "COALESCE(j.sent_at, e.sent_at)",
                "ended_at": ENDED_AT,
                "marked": "CASE WHEN j.state < 10 THEN 0 ELSE e.marked END",
                "flags": "e.flags | j.flags",
            },
            columns=columns_of(ResultRow),
            match=f"e.id = j.id AND {unlive}e.state = 3 AND e.holder = j.holder AND e.fence = j.fence",
        ),
        "rescue": d.update(
            "execution",
            {
                "state": "CASE WHEN e.cancel_asked = 1 AND j.state < 10 THEN 13 ELSE j.state END",
                "reason": STOPPED,
                "not_before": "COALESCE(j.not_before, e.not_before)",
                "attempt": "e.attempt - j.given_back",
                "status": "j.status",  # what an earlier attempt was answered is not what became of the lost one
                "sent_at": "j.sent_at",
                "ended_at": ENDED_AT,
                "marked": "CASE WHEN j.state < 10 THEN 0 ELSE e.marked END",
                "flags": "e.flags | j.flags",
                "fence": "e.fence + 1",
            },
            columns=columns_of(ResultRow),
            match=f"e.id = j.id AND {unlive}e.state = 3 AND e.holder = j.holder AND e.fence = j.fence",
        ),
        "finished": f"SELECT e.id, e.state FROM {d.rows(ID_HOLDER_FENCE)} {d.join} execution AS e ON e.id = j.id "
        f"AND e.holder = j.holder AND e.fence = j.fence AND {unlive}e.state <> 3",
        "finish_rescued": d.update(
            "execution",
            {
                "state": "j.state",
                "reason": "j.reason",
                "status": "j.status",
                "sent_at": "j.sent_at",
                "ended_at": "j.ended_at",
                "flags": "e.flags | j.flags",
            },
            columns=columns_of(ResultRow),
            match=f"e.id = j.id AND {unlive}e.state = 1 AND e.holder = j.holder AND e.fence = j.fence + 1 "
            "AND e.attempt = j.attempt AND j.state IN (10, 11) AND e.cancel_asked = 0",
        ),
        "finished_rescued": "SELECT e.id FROM "
        f"{d.rows([*ID_HOLDER_FENCE, ('attempt', INT)])} {d.join} execution AS e ON e.id = j.id "
        f"AND e.holder = j.holder AND e.fence = j.fence AND e.attempt = j.attempt AND {unlive}e.state IN (10, 11)",
        "output": _insert_absent(d, "output", OutputRow, "execution_id", "no", "evidence"),
        "attempt": _insert_absent(d, "attempt", AttemptRow, "execution_id", "no", "evidence"),
        "failure": _insert_absent(d, "failure", FailureRow, "execution_id"),
        "leave": d.delete("gate_entry", "execution_id", columns=ID),
    }


def _insert_absent(d: Dialect, table: str, row: type, *key: str) -> str:
    names = [name for name, _ in columns_of(row)]
    same = " AND ".join(f"t.{name} = j.{name}" for name in key)
    listed = ", ".join(f"j.{name}" for name in names)
    return (
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {listed} FROM {d.rows(columns_of(row))} "
        f"WHERE NOT EXISTS (SELECT 1 FROM {table} AS t WHERE {same})"
    )
