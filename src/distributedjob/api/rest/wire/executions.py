"""Executions in JSON."""

import base64
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from distributedjob.api.rest.wire.attempts import AttemptShown, attempts_of
from distributedjob.api.rest.wire.base import Id, Shown, ShownInstant, shown_instant
from distributedjob.model.execution import Flag, State, Trigger
from distributedjob.model.instant import to_rfc3339
from distributedjob.services.executions import Listed, Record
from distributedjob.services.rendering import Rendered
from distributedjob.services.stats import Statistics
from distributedjob.store.executions import ShownFailure

StateWord = Literal[
    "pending",
    "blocked",
    "running",
    "succeeded",
    "failed",
    "timed_out",
    "cancelled",
    "expired",
    "unknown",
    "skipped",
    "missed",
]
LiveWord = Literal["pending", "blocked", "running"]
EndedWord = Literal["succeeded", "failed", "timed_out", "cancelled", "expired", "unknown", "skipped", "missed"]
TriggerWord = Literal["schedule", "manual", "api", "backfill", "rerun"]
FlagWord = Literal["fallback", "misfired", "unclear"]

INSTANTS = (
    "fire_at",
    "not_before",
    "deadline_at",
    "recorded_at",
    "started_at",
    "sent_at",
    "ended_at",
    "range_end",
)
FLAGS: dict[Flag, FlagWord] = {Flag.FALLBACK: "fallback", Flag.MISFIRED: "misfired", Flag.UNCLEAR: "unclear"}


class ExecutionShown(Shown):
    """`reason`, `outcome` and `message` say why it is where it is. `range_end` and `range_count` belong to `missed`:
    so many fires from `fire_at` to `range_end`, or more than that if `more_than`."""

    id: Id
    task_id: Id
    task_name: str | None
    schedule_id: Id | None
    revision: int
    state: StateWord
    reason: str | None
    outcome: str | None
    message: str | None
    trigger: TriggerWord
    flags: list[FlagWord]
    queue: str
    priority: int
    fire_at: ShownInstant
    not_before: ShownInstant
    deadline_at: ShownInstant
    recorded_at: ShownInstant
    started_at: ShownInstant | None
    sent_at: ShownInstant | None
    ended_at: ShownInstant | None
    attempt: int
    status: int | None
    cancel_asked: bool
    related_id: Id | None
    range_end: ShownInstant | None
    range_count: int | None
    more_than: bool
    resolution: Literal["succeeded", "failed"] | None
    resolution_note: str | None
    resolved_by: str | None
    resolved_at: ShownInstant | None

    @classmethod
    def of(cls, listed: Listed) -> "ExecutionShown":
        return cls.model_validate(execution_fields(listed))


class RunShown(ExecutionShown):
    """A run that was just recorded. `warnings`: what keeps it from starting although nothing is wrong with it."""

    warnings: list[str]

    @classmethod
    def of_run(cls, listed: Listed, *, warnings: Mapping[str, str]) -> "RunShown":
        """`warnings` by the queue they concern."""
        found = warnings.get(listed.row.queue)
        return cls.model_validate({**execution_fields(listed), "warnings": [] if found is None else [found]})


def execution_fields(listed: Listed) -> dict[str, object]:
    row = listed.row
    trigger = Trigger(row.trigger)
    return {
        "id": str(row.id),
        "task_id": str(row.task_id),
        "task_name": listed.task_name,
        "schedule_id": str(row.source_id) if trigger is Trigger.SCHEDULE else None,
        "revision": row.revision,
        "state": State(row.state).word,
        "reason": row.reason,
        "trigger": trigger.word,
        "flags": [word for flag, word in FLAGS.items() if row.flags & flag],
        "queue": row.queue,
        "priority": row.priority,
        **{name: shown_instant(getattr(row, name)) for name in INSTANTS},
        "attempt": row.attempt,
        "status": row.status,
        "cancel_asked": bool(row.cancel_asked),
        "related_id": None if row.related_id is None else str(row.related_id),
        "range_count": row.range_count,
        "more_than": bool(row.flags & Flag.MORE_THAN),
        **_failure_fields(listed.failure),
    }


def _failure_fields(failure: ShownFailure | None) -> dict[str, object]:
    names = ("outcome", "message", "resolution", "resolution_note", "resolved_by")
    fields: dict[str, object] = {name: None if failure is None else getattr(failure, name) for name in names}
    return {**fields, "resolved_at": None if failure is None else shown_instant(failure.resolved_at)}


class RequestShown(Shown):
    """The request as it is put on the wire, without what is added to trace it. `problem`: why it cannot be made."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: str | None
    body_base64: str | None
    problem: str | None

    @classmethod
    def of(cls, rendered: Rendered) -> "RequestShown":
        try:
            text, coded = rendered.body.decode(), None
        except UnicodeDecodeError:
            text, coded = None, base64.b64encode(rendered.body).decode("ascii")
        return cls(
            method=rendered.method,
            url=rendered.url,
            headers=list(rendered.headers),
            body=text,
            body_base64=coded,
            problem=rendered.problem,
        )


class RecordShown(ExecutionShown):
    """An execution with all that is known of it."""

    parameters: dict[str, JsonValue]
    attempts: list[AttemptShown]
    request: RequestShown | None

    @classmethod
    def of_record(cls, record: Record, *, rendered: Rendered | None) -> "RecordShown":
        return cls.model_validate(
            {
                **execution_fields(Listed(record.row, record.task_name, record.failure)),
                "parameters": record.parameters,
                "attempts": attempts_of(record),
                "request": None if rendered is None else RequestShown.of(rendered),
            }
        )


class StatsShown(Shown):
    """Executions recorded in [from, to). `complete` is false where `from` is later than asked for, because there
    were too many to count. `unfinished` counts what is in these states now."""

    since: Annotated[ShownInstant, Field(alias="from")]
    until: Annotated[ShownInstant, Field(alias="to")]
    complete: bool
    total: int
    by_state: dict[EndedWord | LiveWord, int]
    by_trigger: dict[TriggerWord, int]
    unfinished: dict[LiveWord, int]

    @classmethod
    def of(cls, statistics: Statistics) -> "StatsShown":
        return cls.model_validate(
            {
                "from": to_rfc3339(statistics.since),
                "to": to_rfc3339(statistics.until),
                "complete": statistics.complete,
                "total": statistics.total,
                "by_state": {state.word: statistics.by_state.get(state, 0) for state in State},
                "by_trigger": {trigger.word: statistics.by_trigger.get(trigger, 0) for trigger in Trigger},
                "unfinished": {
                    state.word: statistics.unfinished.get(state, 0)
                    for state in (State.PENDING, State.BLOCKED, State.RUNNING)
                },
            }
        )
