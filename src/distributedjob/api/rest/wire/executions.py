"""Executions in JSON."""

import base64
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from distributedjob.api.rest.wire.base import BoundText, Id, Shown, ShownInstant, Wire, shown_instant
from distributedjob.model.execution import Flag, State, Trigger
from distributedjob.model.instant import to_rfc3339
from distributedjob.services.executions import Listed, Record
from distributedjob.services.rendering import Rendered
from distributedjob.services.stats import Statistics
from distributedjob.store.executions import ShownOutput

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


def execution_fields(listed: Listed) -> dict[str, object]:
    row, failure = listed.row, listed.failure
    trigger = Trigger(row.trigger)
    return {
        "id": str(row.id),
        "task_id": str(row.task_id),
        "task_name": listed.task_name,
        "schedule_id": str(row.source_id) if trigger is Trigger.SCHEDULE else None,
        "revision": row.revision,
        "state": State(row.state).word,
        "reason": row.reason,
        "outcome": None if failure is None else failure.outcome,
        "message": None if failure is None else failure.message,
        "trigger": trigger.word,
        "flags": [word for flag, word in FLAGS.items() if row.flags & flag],
        "queue": row.queue,
        "priority": row.priority,
        **_instants(listed),
        "attempt": row.attempt,
        "status": row.status,
        "cancel_asked": bool(row.cancel_asked),
        "related_id": None if row.related_id is None else str(row.related_id),
        "range_count": row.range_count,
        "more_than": bool(row.flags & Flag.MORE_THAN),
        "resolution": None if failure is None else failure.resolution,
        "resolution_note": None if failure is None else failure.resolution_note,
        "resolved_by": None if failure is None else failure.resolved_by,
    }


def _instants(listed: Listed) -> dict[str, str | None]:
    row = listed.row
    names = (
        "fire_at", "not_before", "deadline_at", "recorded_at", "started_at", "sent_at", "ended_at", "range_end",
    )  # fmt: skip
    shown = {name: shown_instant(getattr(row, name)) for name in names}
    return {**shown, "resolved_at": shown_instant(listed.failure.resolved_at) if listed.failure else None}


class ResponseShown(Shown):
    """What came back. `body` is text where it is text, else `body_base64` is set."""

    status: int
    headers: list[tuple[str, str]]
    body: str | None
    body_base64: str | None
    truncated: bool

    @classmethod
    def of(cls, output: ShownOutput) -> "ResponseShown":
        try:
            text, coded = output.body.decode(), None
        except UnicodeDecodeError:
            text, coded = None, base64.b64encode(output.body).decode("ascii")
        return cls(
            status=output.status,
            headers=output.headers,
            body=text,
            body_base64=coded,
            truncated=output.truncated,
        )


class AttemptShown(Shown):
    """One call. `late`: its result came after another had been recorded, and is kept as evidence only."""

    no: int
    outcome: Literal["not_sent", "answered", "unclear", "lost", "none", "running"]
    reason: str | None
    message: str | None
    status: int | None
    claimed_at: ShownInstant | None
    sent_at: ShownInstant | None
    ended_at: ShownInstant | None
    late: bool
    response: ResponseShown | None


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


def attempts_of(record: Record) -> list[AttemptShown]:
    """The attempts that ended without ending the execution, and the one that ended it or is on its way."""
    responses = {(output.no, output.evidence): ResponseShown.of(output) for output in record.outputs}
    shown = [
        AttemptShown(
            no=attempt.no,
            outcome=attempt.outcome,
            reason=attempt.reason,
            message=attempt.message,
            status=attempt.status,
            claimed_at=shown_instant(attempt.claimed_at),
            sent_at=shown_instant(attempt.sent_at),
            ended_at=shown_instant(attempt.ended_at),
            late=bool(attempt.evidence),
            response=responses.get((attempt.no, attempt.evidence)),
        )
        for attempt in record.attempts
    ]
    row = record.row
    known = any(attempt.no == row.attempt and not attempt.late for attempt in shown)
    if row.attempt == 0 or known or State(row.state) in (State.PENDING, State.BLOCKED):
        return shown
    return [*shown, _last_attempt(record, responses.get((row.attempt, 0)))]


def _last_attempt(record: Record, response: ResponseShown | None) -> AttemptShown:
    row, failure, state = record.row, record.failure, State(record.row.state)
    if failure is not None:
        outcome, reason, message = failure.outcome, failure.reason, failure.message
    else:
        outcome, reason, message = ("running" if state is State.RUNNING else "answered"), None, None
    return AttemptShown.model_validate(
        {
            "no": row.attempt,
            "outcome": outcome,
            "reason": reason,
            "message": message,
            "status": row.status,
            "claimed_at": shown_instant(row.claimed_at),
            "sent_at": shown_instant(row.sent_at),
            "ended_at": shown_instant(row.ended_at),
            "late": False,
            "response": response,
        }
    )


class RunIn(Wire):
    parameters: dict[str, JsonValue] = Field(default={}, max_length=1000)


class RerunIn(Wire):
    revision: Literal["same", "current"] = "same"


class ResolveIn(Wire):
    """What became of an execution whose answer was lost, as somebody found out."""

    resolution: Literal["succeeded", "failed"]
    note: str = Field(default="", max_length=1000)


class CancelIn(Wire):
    """Unfinished executions, newest first; all of them if nothing is given."""

    task_id: Id | None = None
    states: list[LiveWord] = Field(default=[], max_length=3)
    before: BoundText | None = Field(default=None, description="only those recorded before this instant")


class CancelShown(Shown):
    """`asked`: these were running and are being stopped. `more`: ask again."""

    cancelled: int
    asked: int
    more: bool


class PurgeIn(Wire):
    """Ended executions recorded before an instant."""

    before: BoundText
    task_id: Id | None = None
    states: list[EndedWord] = Field(default=[], max_length=8)


class PurgeShown(Shown):
    purged: int
    more: bool


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
