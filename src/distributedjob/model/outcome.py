"""What one call came to. Outcomes are values; a client that raises instead has a bug."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """The response as far as it was read: `body` is capped (`truncated` says so) and decoded."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class NotSent:
    """No byte of the request left: always safe to repeat. `reason` is a stable word, `message` a sentence."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The target answered. `accepted` is the verdict of the success rule, `message` says why not."""

    answer: Answer
    accepted: bool
    message: str = ""


@dataclass(frozen=True, slots=True)
class Unclear:
    """Sent, at least in part, without an answer that could be read: the target may have done the work.

    `timed_out` marks the end of the total timeout.
    """

    reason: str
    message: str
    timed_out: bool = False


Outcome = NotSent | Answered | Unclear
