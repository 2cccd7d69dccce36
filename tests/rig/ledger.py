"""The database, read from outside with a plain driver: while the program runs (sightings) and after it (everything)."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import pymysql

from rig.facts import FIRST_TERMINAL, RUNNING, SECOND, AttemptRow, Row, Session, Sighting
from rig.node import now

_COLUMNS = (
    "id, task_id, source_id, fire_at, not_before, state, reason, {trigger}, attempt, cancel_asked, holder, "
    "claimed_at, sent_at, ended_at, status, range_end, range_count, revision"
)
_SEEN_AGAIN = 10 * SECOND
"""Rows that ended this long before the last look are read once more: a replayed result ends in the past."""


class Connect(Protocol):
    """Opens a connection that reads; `quote` wraps a reserved column name."""

    @property
    def quote(self) -> str: ...

    def __call__(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class SqliteFile:
    data_dir: Path
    quote: str = '"'

    def __call__(self) -> Any:
        (path,) = self.data_dir.glob("*.db")
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        connection.isolation_level = None
        return connection


@dataclass(frozen=True, slots=True)
class MysqlDatabase:
    url: str
    quote: str = "`"

    def __call__(self) -> Any:
        parts = urlsplit(self.url)
        return pymysql.connect(
            host=parts.hostname or "127.0.0.1",
            port=parts.port or 3306,
            user=parts.username or "",
            password=parts.password or "",
            database=parts.path.lstrip("/"),
            autocommit=True,
            connect_timeout=10,
            read_timeout=20,
        )


@dataclass(eq=False, slots=True)
class Ledger:
    connect: Connect
    _sightings: dict[int, Sighting] = field(default_factory=dict)
    _looked_at: int = 0

    @property
    def sightings(self) -> tuple[Sighting, ...]:
        return tuple(self._sightings.values())

    def look(self) -> None:
        """Note every terminal state that was not seen before; the first sight counts."""
        at = now()
        since = self._looked_at - _SEEN_AGAIN
        rows = self._query(
            f"SELECT id, state, ended_at FROM execution WHERE state >= {FIRST_TERMINAL} "
            f"AND (ended_at IS NULL OR ended_at > {since})"
        )
        for id_, state, ended_at in rows:
            sighting = Sighting(execution_id=id_, state=state, ended_at=ended_at, seen_at=at)
            self._sightings.setdefault(id_, sighting)
        self._looked_at = at

    def count_open(self) -> int:
        """What has not ended: live executions and unfinished catch-up ranges."""
        ((live,),) = self._query(f"SELECT count(*) FROM execution WHERE state < {FIRST_TERMINAL}")
        ((ranges,),) = self._query("SELECT count(*) FROM backfill WHERE next_at IS NOT NULL")
        return int(live) + int(ranges)

    def count_running(self) -> dict[int, int]:
        """How many executions each process is running now, by pid."""
        sql = f"SELECT n.pid, count(*) FROM execution e JOIN node n ON n.session = e.holder WHERE e.state = {RUNNING}"
        return {pid: int(count) for pid, count in self._query(f"{sql} GROUP BY n.pid")}

    def read_rows(self) -> tuple[Row, ...]:
        trigger = f"{self.connect.quote}trigger{self.connect.quote}"
        names = [name.strip() for name in _COLUMNS.format(trigger="trigger").split(",")]
        rows = self._query(f"SELECT {_COLUMNS.format(trigger=trigger)} FROM execution ORDER BY id")
        return tuple(Row(**dict(zip(names, values, strict=True))) for values in rows)

    def read_attempts(self) -> tuple[AttemptRow, ...]:
        rows = self._query("SELECT execution_id, no, evidence, outcome, status, holder, claimed_at FROM attempt")
        return tuple(
            AttemptRow(
                execution_id=id_,
                no=no,
                evidence=bool(evidence),
                outcome=outcome,
                status=status,
                holder=holder,
                claimed_at=claimed_at,
            )
            for id_, no, evidence, outcome, status, holder, claimed_at in rows
        )

    def read_sessions(self) -> tuple[Session, ...]:
        rows = self._query("SELECT session, pid, started_at, ended_at, dead FROM node")
        return tuple(
            Session(id=session, pid=pid, started_at=started_at, ended_at=ended_at, dead=bool(dead))
            for session, pid, started_at, ended_at, dead in rows
        )

    def read_leftovers(self) -> tuple[str, ...]:
        """Work other than executions that nobody will do any more, once every node has stopped."""
        entries = self._query(
            "SELECT g.execution_id, g.task_id FROM gate_entry g LEFT JOIN execution e ON e.id = g.execution_id "
            f"WHERE e.id IS NULL OR e.state >= {FIRST_TERMINAL}"
        )
        ranges = self._query("SELECT id, task_id FROM backfill WHERE next_at IS NOT NULL")
        sessions = self._query("SELECT session, name FROM node WHERE ended_at IS NULL AND dead = 0")
        return (
            *(f"the gate of task {task_id} still counts {id_}, which has ended" for id_, task_id in entries),
            *(f"catch-up range {id_} of task {task_id} is unfinished" for id_, task_id in ranges),
            *(f"session {id_} of {name} was neither ended nor declared dead" for id_, name in sessions),
        )

    def _query(self, sql: str) -> Iterable[tuple[Any, ...]]:
        with closing(self.connect()) as connection:
            cursor = connection.cursor()
            cursor.execute(sql)
            return list(cursor.fetchall())
