"""The rows that the hot statements take and give. Tuples in the order of their columns, for speed."""

from collections.abc import Sequence
from typing import NamedTuple

from distributedjob.model.instant import Instant

Json = str | int | None


class ExecutionRow(NamedTuple):
    """A new execution, in the order of INSERT's columns."""

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
    fence: int
    holder: int | None
    attempt: int
    flags: int
    recorded_at: Instant
    started_at: Instant | None
    claimed_at: Instant | None
    ended_at: Instant | None
    range_end: Instant | None = None
    range_count: int | None = None
    related_id: int | None = None


class ScheduleRow(NamedTuple):
    """A schedule as it stands under its lock."""

    id: int
    task_id: int
    department_id: int
    revision: int
    next_fire_at: Instant | None
    fires_left: int | None
    seed: int
    definition: str


class CursorMove(NamedTuple):
    id: int
    next_fire_at: Instant | None
    fires_left: int | None
    waiting_id: int | None


class ResultRow(NamedTuple):
    """What one attempt made of its execution; written only where state, holder and fence still match."""

    id: int
    holder: int
    fence: int
    state: int
    reason: str | None
    not_before: Instant | None
    given_back: int
    status: int | None
    sent_at: Instant | None
    ended_at: Instant | None
    flags: int
    attempt: int


class OutputRow(NamedTuple):
    execution_id: int
    no: int
    evidence: int
    status: int
    headers: str
    coding: int
    body: str
    truncated: int


class AttemptRow(NamedTuple):
    execution_id: int
    no: int
    evidence: int
    outcome: str
    reason: str
    message: str
    status: int | None
    holder: int | None
    claimed_at: Instant | None
    sent_at: Instant | None
    ended_at: Instant


class FailureRow(NamedTuple):
    execution_id: int
    task_id: int
    department_id: int
    state: int
    outcome: str
    reason: str
    message: str


Rows = Sequence[tuple[Json, ...]]

INT, TEXT = "int", "text"


def columns_of(row: type[tuple[Json, ...]]) -> list[tuple[str, str]]:
    """The columns of a row type for the JSON source."""
    hints = row.__annotations__
    return [(name, TEXT if "str" in str(hints[name]) else INT) for name in row._fields]  # type: ignore[attr-defined]
