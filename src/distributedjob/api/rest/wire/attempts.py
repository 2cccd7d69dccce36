"""Attempts in JSON: what each call came to, and what it got back."""

import base64
from typing import Literal

from distributedjob.api.rest.wire.base import Shown, ShownInstant, shown_instant
from distributedjob.model.execution import State
from distributedjob.services.executions import Record
from distributedjob.store.executions import ShownOutput


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
