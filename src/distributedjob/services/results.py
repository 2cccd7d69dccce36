"""What an attempt came to, as rows: built once, written by the finisher, kept in the journal on bad days."""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from distributedjob.model.execution import Claimed, Flag
from distributedjob.model.instant import Instant
from distributedjob.model.outcome import Answer, Answered, NotSent, Outcome, Unclear
from distributedjob.rules.verdict import Verdict
from distributedjob.store.bodies import encode_body
from distributedjob.store.hot.rows import AttemptRow, FailureRow, OutputRow, ResultRow

MESSAGE_LIMIT = 1_000
SMALL = 500
HEAVY = 2 * 1024 * 1024
"""Characters of one batch: servers take 16 MB in one statement as a rule, and on the way there a character is
escaped twice, to seven at the worst. A statement that is too long looks like a lost connection, for ever."""

UNSTORABLE = "the database refused the words and the body of this answer"


@dataclass(frozen=True, slots=True)
class Ending:
    """One attempt as it ended. `sent_at` None: no byte was written."""

    claimed: Claimed
    queue: str
    outcome: Outcome
    verdict: Verdict
    sent_at: Instant | None
    ended_at: Instant


class Result(NamedTuple):
    """Everything a result writes. Which of attempt and failure is decided by the state that was reached."""

    row: ResultRow
    task_id: int
    department_id: int
    queue: str
    outcome: str
    reason: str
    message: str
    claimed_at: Instant
    from_end: bool
    output: OutputRow | None

    @property
    def key(self) -> tuple[int, int]:
        """(execution id, fence): one claim has one result."""
        return self.row.id, self.row.fence

    @property
    def weight(self) -> int:
        """About how many characters it takes on its way to the database."""
        output = self.output
        return SMALL if output is None else SMALL + len(output.body) + len(output.headers)

    @property
    def bare(self) -> bool:
        """Whether nothing can be left out any more."""
        return self.output is None and self.message == UNSTORABLE

    def stripped(self) -> "Result":
        """Only what decides about the execution; for a result whose words or body the database refuses."""
        return self._replace(output=None, message=UNSTORABLE)

    def attempt_row(self, *, evidence: int = 0) -> AttemptRow:
        row = self.row
        ended_at = row.ended_at or row.sent_at or self.claimed_at
        return AttemptRow(
            row.id,
            row.attempt,
            evidence,
            self.outcome,
            self.reason,
            self.message,
            row.status,
            row.holder,
            self.claimed_at,
            row.sent_at,
            ended_at,
        )

    def failure_row(self, state: int) -> FailureRow:
        words = (self.outcome, self.reason, self.message)
        return FailureRow(self.row.id, self.task_id, self.department_id, state, *words)


def take_batch(waiting: deque[Result], *, limit: int) -> list[Result]:
    """The next results to be written together: at most `limit`, and no more than one statement can carry."""
    batch: list[Result] = []
    weight = 0
    while waiting and len(batch) < limit and weight < HEAVY:
        result = waiting.popleft()
        batch.append(result)
        weight += result.weight
    return batch


def result_of(ending: Ending, *, session: int) -> Result:
    """Lay an ending out as rows."""
    claimed, verdict, outcome = ending.claimed, ending.verdict, ending.outcome
    kind, reason, message = words_of(outcome)
    answer = outcome.answer if isinstance(outcome, Answered) else None
    row = ResultRow(
        id=claimed.id,
        holder=session,
        fence=claimed.fence,
        state=verdict.state,
        reason=verdict.reason,
        not_before=verdict.not_before,
        given_back=int(verdict.given_back),
        status=None if answer is None else answer.status,
        sent_at=ending.sent_at,
        ended_at=ending.ended_at,
        flags=verdict.flags,
        attempt=claimed.attempt,
    )
    output = None if answer is None else output_of(answer, execution_id=claimed.id, no=claimed.attempt)
    return Result(
        row=row,
        task_id=claimed.task_id,
        department_id=claimed.department_id,
        queue=ending.queue,
        outcome=kind,
        reason=reason,
        message=message,
        claimed_at=claimed.claimed_at,
        from_end=bool(claimed.flags & Flag.FROM_END),
        output=output,
    )


def words_of(outcome: Outcome) -> tuple[str, str, str]:
    """(class, reason, message) of an outcome, as the tables keep them."""
    match outcome:
        case NotSent(reason=reason, message=message):
            return "not_sent", reason[:64], message[:MESSAGE_LIMIT]
        case Unclear(reason=reason, message=message):
            return "unclear", reason[:64], message[:MESSAGE_LIMIT]
        case Answered(answer=answer, accepted=accepted, message=message):
            return "answered", "accepted" if accepted else f"status_{answer.status}", message[:MESSAGE_LIMIT]


def output_of(answer: Answer, *, execution_id: int, no: int) -> OutputRow:
    coding, body = encode_body(answer.body)
    headers = msgspec.json.encode(answer.headers).decode()
    return OutputRow(execution_id, no, 0, answer.status, headers, coding, body, int(answer.truncated))
