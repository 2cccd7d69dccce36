"""An execution: one logical run of a task. Its states, reasons, and the one table of transitions.

Every UPDATE of a state carries the expected old state; `TRANSITIONS` says which moves exist and who may
make them. The numbers are what the database stores: everything below 10 still has an owner that ends it.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag, StrEnum

from distributedjob.model.instant import Instant

FIRST_TERMINAL = 10


class State(IntEnum):
    PENDING = 1
    BLOCKED = 2
    RUNNING = 3
    SUCCEEDED = 10
    FAILED = 11
    TIMED_OUT = 12
    CANCELLED = 13
    EXPIRED = 14
    UNKNOWN = 15
    SKIPPED = 16
    MISSED = 17

    @property
    def terminal(self) -> bool:
        return self >= FIRST_TERMINAL

    @property
    def word(self) -> str:
        """The name on the wire and on screens."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> "State":
        return cls[word.upper()]


class Trigger(IntEnum):
    """Why an execution exists."""

    SCHEDULE = 1
    MANUAL = 2
    API = 3
    BACKFILL = 4
    RERUN = 5

    @property
    def word(self) -> str:
        return self.name.lower()


class Reason(StrEnum):
    """The closed list of reasons. `REASONS` says which state may carry which."""

    OK = "ok"
    ATTEMPTS_USED_UP = "attempts_used_up"
    NOT_RETRYABLE = "not_retryable"
    WORKER_LOST = "worker_lost"
    INVALID_TARGET = "invalid_target"
    ATTEMPT_TIMEOUT = "attempt_timeout"
    EXECUTION_TIMEOUT = "execution_timeout"
    ASKED = "asked"
    REPLACED = "replaced"
    DEADLINE = "deadline"
    ANSWER_LOST = "answer_lost"
    OVERLAP = "overlap"
    LIMIT = "limit"
    SUPERSEDED = "superseded"
    STOPPED = "stopped"
    MISFIRE = "misfire"
    RESTORED = "restored"
    RETRY = "retry"
    RELEASED = "released"
    RESCUED = "rescued"


REASONS: dict[State, frozenset[Reason]] = {
    State.PENDING: frozenset({Reason.RETRY, Reason.RELEASED, Reason.RESCUED}),
    State.BLOCKED: frozenset({Reason.OVERLAP, Reason.LIMIT}),
    State.RUNNING: frozenset(),
    State.SUCCEEDED: frozenset({Reason.OK}),
    State.FAILED: frozenset({Reason.ATTEMPTS_USED_UP, Reason.NOT_RETRYABLE, Reason.WORKER_LOST, Reason.INVALID_TARGET}),
    State.TIMED_OUT: frozenset({Reason.ATTEMPT_TIMEOUT, Reason.EXECUTION_TIMEOUT}),
    State.CANCELLED: frozenset({Reason.ASKED, Reason.REPLACED}),
    State.EXPIRED: frozenset({Reason.DEADLINE}),
    State.UNKNOWN: frozenset({Reason.ANSWER_LOST, Reason.WORKER_LOST, Reason.ATTEMPT_TIMEOUT}),
    State.SKIPPED: frozenset({Reason.OVERLAP, Reason.SUPERSEDED, Reason.STOPPED}),
    State.MISSED: frozenset({Reason.MISFIRE, Reason.RESTORED}),
}


class Actor(StrEnum):
    """Who may make a transition."""

    RECORDER = "recorder"
    API = "api"
    WORKER = "worker"
    HOLDER = "holder"
    FORMER_HOLDER = "former_holder"
    RESCUER = "rescuer"
    OWNER = "owner"


_ENDS_OF_A_RUN = (State.SUCCEEDED, State.FAILED, State.TIMED_OUT, State.CANCELLED, State.EXPIRED, State.UNKNOWN)

TRANSITIONS: dict[tuple[State | None, State], frozenset[Actor]] = {
    **{
        (None, state): frozenset({Actor.RECORDER, Actor.API})
        for state in (State.PENDING, State.BLOCKED, State.RUNNING, State.SKIPPED, State.MISSED)
    },
    (State.PENDING, State.RUNNING): frozenset({Actor.WORKER}),
    (State.PENDING, State.SUCCEEDED): frozenset({Actor.FORMER_HOLDER}),
    (State.PENDING, State.FAILED): frozenset({Actor.FORMER_HOLDER}),
    (State.PENDING, State.CANCELLED): frozenset({Actor.API, Actor.RECORDER}),
    (State.BLOCKED, State.CANCELLED): frozenset({Actor.API, Actor.RECORDER}),
    (State.PENDING, State.EXPIRED): frozenset({Actor.OWNER}),
    (State.BLOCKED, State.EXPIRED): frozenset({Actor.OWNER}),
    (State.BLOCKED, State.PENDING): frozenset({Actor.OWNER}),
    (State.BLOCKED, State.SKIPPED): frozenset({Actor.OWNER, Actor.RECORDER, Actor.API}),
    **{(State.RUNNING, state): frozenset({Actor.HOLDER}) for state in _ENDS_OF_A_RUN},
    (State.RUNNING, State.PENDING): frozenset({Actor.HOLDER, Actor.RESCUER}),
    (State.RUNNING, State.BLOCKED): frozenset({Actor.HOLDER}),
    (State.RUNNING, State.FAILED): frozenset({Actor.HOLDER, Actor.RESCUER}),
    (State.RUNNING, State.UNKNOWN): frozenset({Actor.HOLDER, Actor.RESCUER}),
    (State.RUNNING, State.CANCELLED): frozenset({Actor.HOLDER, Actor.RESCUER, Actor.OWNER}),
}


def may(actor: Actor, before: State | None, after: State) -> bool:
    """Whether `actor` may move an execution from `before` (None: it does not exist yet) to `after`."""
    return actor in TRANSITIONS.get((before, after), frozenset())


class Flag(IntFlag):
    """Facts of an execution that cost no column of their own."""

    NONE = 0
    FALLBACK = 1
    """The fallback target was called."""
    FROM_END = 2
    """The schedule counts its interval from this execution's end."""
    HAS_PARAMETERS = 4
    """Run with parameters of its own, kept in a row beside it."""
    MORE_THAN = 8
    """`range_count` is a lower bound."""
    MISFIRED = 16
    """Recorded by the misfire rule, later than its grace."""
    UNCLEAR = 32
    """An earlier attempt ended without an answer; it may have done the work."""
    REPLACED = 64
    """Asked to stop because a newer execution takes its place."""


@dataclass(frozen=True, slots=True)
class Hint:
    """'This execution is ready from `not_before` on': losing one loses nothing."""

    id: int
    fence: int
    not_before: Instant
    queue: str


@dataclass(slots=True)
class Claimed:
    """An execution as its holder runs it: what the claim wrote, and what the call needs."""

    id: int
    task_id: int
    source_id: int
    revision: int
    fire_at: Instant
    not_before: Instant
    deadline_at: Instant
    fence: int
    attempt: int
    trigger: int
    flags: int
    claimed_at: Instant
    started_at: Instant
    department_id: int
