"""What the checker knows: plain facts from the sink, the database and the rig, and the violations it finds in them.

Instants are whole microseconds since the epoch, UTC. The state numbers are written down here once more on purpose:
they are part of the stored format, and a build that changes them must not pass unnoticed.
"""

from dataclasses import dataclass, field
from enum import StrEnum

PENDING, BLOCKED, RUNNING = 1, 2, 3
SUCCEEDED, FAILED, TIMED_OUT, CANCELLED, EXPIRED, UNKNOWN, SKIPPED, MISSED = range(10, 18)
FIRST_TERMINAL = 10
STATE_WORDS = {
    PENDING: "pending",
    BLOCKED: "blocked",
    RUNNING: "running",
    SUCCEEDED: "succeeded",
    FAILED: "failed",
    TIMED_OUT: "timed_out",
    CANCELLED: "cancelled",
    EXPIRED: "expired",
    UNKNOWN: "unknown",
    SKIPPED: "skipped",
    MISSED: "missed",
}
BY_SCHEDULE = 1
SECOND = 1_000_000


class Ending(StrEnum):
    """How a call ended for the sink."""

    ANSWERED = "answered"
    CLOSED = "closed"
    """The sink closed the connection without a byte of answer."""
    LOST = "lost"
    """The caller went away before the answer."""
    OPEN = "open"
    """Still in the air when the log ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, as the sink saw it. `position` counts the requests on its connection, from 1."""

    number: int
    arrived_at: int
    connection: int
    position: int
    method: str
    path: str
    behaviour: str
    task_id: int
    execution_id: int
    attempt: int
    fire_at: int
    key: str
    ended_at: int | None = None
    ending: Ending = Ending.OPEN
    status: int | None = None

    @property
    def succeeded(self) -> bool:
        return self.ending is Ending.ANSWERED and self.status == 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One execution, as the database has it after the run."""

    id: int
    task_id: int
    source_id: int
    fire_at: int
    not_before: int
    state: int
    reason: str | None
    trigger: int
    attempt: int
    cancel_asked: bool
    holder: int | None
    claimed_at: int | None
    sent_at: int | None
    ended_at: int | None
    status: int | None
    range_end: int | None
    range_count: int | None
    revision: int = 0

    @property
    def terminal(self) -> bool:
        return self.state >= FIRST_TERMINAL

    @property
    def word(self) -> str:
        return STATE_WORDS.get(self.state, str(self.state))


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """An attempt that did not end its execution; `evidence` marks one that came too late to count."""

    execution_id: int
    no: int
    evidence: bool
    outcome: str
    status: int | None
    holder: int | None
    claimed_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One session of a node. `pid` ties it to what the rig did."""

    id: int
    pid: int
    started_at: int = 0
    ended_at: int | None = None
    dead: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The fires of one schedule. Those in `possible` may have a decision, those in `certain` must have one."""

    source_id: int
    certain: frozenset[int]
    possible: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A schedule that counts from the end of its last execution, until it is paused at `until`."""

    source_id: int
    every: int
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """What a task was between two changes that the API acknowledged. Each of them took effect at an instant between
    asking and answer, the two instants of `since` and of `until`."""

    revision: int
    path: str
    since: tuple[int, int]
    until: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One task as the rig made it. `phases` are those of a task that was changed meanwhile."""

    task_id: int
    name: str
    due: tuple[Due, ...] = ()
    chains: tuple[Chain, ...] = ()
    at_most_once: bool = False
    one_at_a_time: bool = False
    max_attempts: int = 3
    timeout: int = 2 * SECOND
    phases: tuple[Phase, ...] = ()


class Harm(StrEnum):
    """What was done to a node of the program; the last two, to what stands around it."""

    KILL = "kill"
    CRASH = "crash"
    FREEZE = "freeze"
    CUT = "cut"
    RESTART = "restart"
    CLOCK = "clock"
    """The wall clock of a node was set wrong."""
    NEIGHBOUR = "neighbour"
    """A server beside the nodes was harmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something the nemesis did. Of a kill both instants are the same; `pid` is None where no process was touched.

    `group` gathers what is measured together; `over_at` is when everybody was back.
    """

    harm: Harm
    started_at: int
    ended_at: int
    pid: int | None = None
    detail: str = ""
    group: str = ""
    over_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """A cancel that the API has acknowledged at `acknowledged_at`."""

    execution_id: int
    acknowledged_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A terminal state as it was seen while the program ran."""

    execution_id: int
    state: int
    ended_at: int | None
    seen_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSeen:
    """A task as the API shows it when all is over, beside what the API acknowledged last."""

    task_id: int
    name: str
    revision: int | None
    enabled: bool
    acknowledged_revision: int
    acknowledged_enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Vital:
    """One look at a process; `connections` are those to its database."""

    pid: int
    node: str
    at: int
    files: int
    memory: int
    connections: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that is known after a leg. `leftovers` are sentences about other work that never ended."""

    plans: tuple[Plan, ...]
    calls: tuple[Call, ...]
    rows: tuple[Row, ...]
    attempts: tuple[AttemptRow, ...] = ()
    sessions: tuple[Session, ...] = ()
    faults: tuple[Fault, ...] = ()
    cancels: tuple[Cancel, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    leftovers: tuple[str, ...] = ()
    runs: tuple[int, ...] = ()
    """Executions by hand that the API has acknowledged."""
    tasks: tuple[TaskSeen, ...] = ()
    vitals: tuple[Vital, ...] = ()


def holders_of(evidence: "Evidence") -> dict[tuple[int, int], int | None]:
    """Whose each (execution, attempt) was. What came too late to count does not: its number may be another's by now."""
    holders = {(row.id, row.attempt): row.holder for row in evidence.rows}
    holders.update({(row.execution_id, row.no): row.holder for row in evidence.attempts if not row.evidence})
    return holders


class Kind(StrEnum):
    """What must never happen; the words of the report."""

    LOST = "lost"
    DOUBLED = "doubled"
    UNDUE = "undue"
    STUCK = "stuck"
    FALSE_SUCCESS = "false_success"
    FALSE_OUTCOME = "false_outcome"
    UNEXPLAINED_CALL = "unexplained_call"
    KEY_CHANGED = "key_changed"
    ATTEMPT_REUSED = "attempt_reused"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    CALLED_AFTER_END = "called_after_end"
    CALLED_AFTER_CANCEL = "called_after_cancel"
    NOT_FINAL = "not_final"
    OVERLAPPED = "overlapped"
    CALLED_TWICE = "called_twice"
    UNRECORDED_CALL = "unrecorded_call"
    CHANGE_LOST = "change_lost"
    """Something that the API acknowledged is not so."""
    DECLARED_DEAD = "declared_dead"
    """Somebody was declared dead to whom nothing had happened that long ago."""
    CALLED_WHEN_DEAD = "called_when_dead"
    """A call under a session that had been declared dead."""
    LATE = "late"
    LEAKED = "leaked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    kind: Kind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """Fire time to first arrival, µs."""

    p50: int = 0
    p99: int = 0
    maximum: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    violations: tuple[Violation, ...]
    due: int
    executions: int
    calls: int
    repeated_explained: int
    repeated_unexplained: int
    lateness: Lateness
    replayed: int = 0
    """Successes answered while their node had no database, and then it was killed: only its journal had them."""
    states: dict[str, int] = field(default_factory=dict)

    def count(self, *kinds: Kind) -> int:
        return sum(violation.kind in kinds for violation in self.violations)
