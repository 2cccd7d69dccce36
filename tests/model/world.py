"""One state of the modelled world: what the database says, what each process remembers, and what really happened.

Everything is a tuple of small integers, so that states compare and hash. Fields under "ghost" are known to nobody in
the world; only the properties look at them.
"""

from typing import NamedTuple

# States of an execution, numbered as in the program. NEW: nobody has recorded it yet.
NEW, PENDING, BLOCKED, RUNNING = 0, 1, 2, 3
SUCCEEDED, FAILED, CANCELLED, EXPIRED, UNKNOWN, SKIPPED, MISSED = 10, 11, 13, 14, 15, 16, 17
FIRST_TERMINAL = 10
NAMES = {
    NEW: "not recorded",
    PENDING: "pending",
    BLOCKED: "blocked",
    RUNNING: "running",
    SUCCEEDED: "succeeded",
    FAILED: "failed",
    CANCELLED: "cancelled",
    EXPIRED: "expired",
    UNKNOWN: "unknown",
    SKIPPED: "skipped",
    MISSED: "missed",
}

# What a result says should become of its execution, beside the states above.
RETRY, RELEASED = 1, 4

# Where a run is in the memory of a worker, in the order of its life.
ASKED = 0  # claimed; the answer to the claim is still on its way
QUEUED = 1
MARKED = 2
LOOKED = 3  # past the last look, not one byte written
SENT = 4
RESULT = 5  # its result waits to be written
GIVEN_BACK = 6  # disowned by the reconciler; its release waits to be written

OUTSIDE, INSIDE, WAITING = 0, 1, 2  # where an execution stands at its gate

UP, FROZEN, DOWN = 0, 1, 2

SESSIONS = 10  # process starts of one worker, at most; a holder's number has the worker's and the start's in it


class Row(NamedTuple):
    """An execution in the database."""

    state: int = NEW
    holder: int = 0
    fence: int = 0
    attempt: int = 0
    marked: int = 0
    asked: int = 0
    """To be cancelled."""
    late: int = 0
    """Its deadline is past."""
    entry: int = OUTSIDE
    hinted: int = 0
    """A hint with its present fence is on its way."""
    called: int = 0
    """Ghost: bit n is set when attempt n was called."""
    caller: int = 0
    """Ghost: 1 + the worker of the last call, while nothing is known that would explain another."""
    accepted: int = 0
    """Ghost: a call was answered, and the answer was accepted."""
    key: int = 0
    """Ghost: the key that its calls carried."""


class Run(NamedTuple):
    """One claim in a worker's memory, or on its disk."""

    row: int
    fence: int
    attempt: int
    stage: int
    word: int = 0

    @property
    def claim(self) -> tuple[int, int]:
        return self.row, self.fence


class Worker(NamedTuple):
    """A worker process and the session it runs under. `gone`: the database says that session is dead or ended."""

    session: int = 0
    up: int = UP
    fresh: int = 1
    leaving: int = 0
    gone: int = 0
    runs: tuple[Run, ...] = ()
    journal: tuple[Run, ...] = ()
    inbox: int = 0
    """Hints received and not claimed yet, a bit per execution."""
    faulty: int = 0
    """Ghost: it crashed, froze, or lost the database at some time, which explains a repeated call."""


class Scheduler(NamedTuple):
    """A scheduler process. -1 stands for nothing."""

    up: int = UP
    seen: int = -1
    """The fire that a look without a lock found due."""
    plan: int = -1
    """The fire it decides in the transaction it is in."""
    owed: int = -1
    """What a broken variant has left for a transaction of its own."""
    lost: tuple[int, ...] = ()
    """(row, holder, fence, marked) that a look without a lock found lost."""


class World(NamedTuple):
    """`cursor`: the next fire to decide; `lock`: 1 + the scheduler that holds the schedule's row."""

    cursor: int
    lock: int
    left: int
    """Executions that may still be made; -1: without a limit."""
    awaited: int
    """The execution whose end sets the cursor; -1: none."""
    gated: int
    count: int
    """Only the variant that counts apart uses it."""
    rows: tuple[Row, ...]
    decided: tuple[int, ...]
    """Ghost: decisions per fire."""
    workers: tuple[Worker, ...]
    schedulers: tuple[Scheduler, ...]
    faults: int
    """How many more things may go wrong."""
    wishes: int
    """How many more things people may ask for."""


Label = tuple[str, int, int, str]
"""(step, who, which execution, how it went)."""


def with_row(world: World, number: int, row: Row) -> World:
    rows = world.rows
    return world._replace(rows=(*rows[:number], row, *rows[number + 1 :]))


def with_worker(world: World, number: int, worker: Worker) -> World:
    workers = world.workers
    return world._replace(workers=(*workers[:number], worker, *workers[number + 1 :]))


def with_scheduler(world: World, number: int, scheduler: Scheduler) -> World:
    schedulers = world.schedulers
    return world._replace(schedulers=(*schedulers[:number], scheduler, *schedulers[number + 1 :]))


def with_run(worker: Worker, old: Run | None, new: Run | None) -> Worker:
    """The worker with one run in place of another; runs are kept in order, so that equal worlds are equal."""
    runs = [run for run in worker.runs if run is not old]
    if new is not None:
        runs.append(new)
        runs.sort()
    return worker._replace(runs=tuple(runs))


def session_of(number: int, worker: Worker) -> int:
    return 1 + number * SESSIONS + worker.session


def is_gone(world: World, holder: int) -> bool:
    """Whether the database says that this session is over."""
    number, session = divmod(holder - 1, SESSIONS)
    worker = world.workers[number]
    return session < worker.session or bool(worker.gone)
