"""What the exit code says. Scripts rely on these numbers; docs/cli.md lists them."""

from enum import IntEnum

from distributedjob.model.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Problem,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from distributedjob.model.execution import State


class ExitCode(IntEnum):
    OK = 0
    FAILED = 1
    INVALID = 2
    """Wrong usage or input."""
    NOT_FOUND = 3
    FORBIDDEN = 4
    """Not logged in, or not allowed."""
    UNAVAILABLE = 5
    """Server or database out of reach, or asking for a pause."""
    CONFLICT = 6
    """The state or the version does not allow it."""
    STILL_RUNNING = 7
    """The time given for waiting is up."""
    INTERRUPTED = 130


_OF_PROBLEMS: tuple[tuple[type[Problem], ExitCode], ...] = (
    (Invalid, ExitCode.INVALID),
    (NotFound, ExitCode.NOT_FOUND),
    (Unauthenticated, ExitCode.FORBIDDEN),
    (Forbidden, ExitCode.FORBIDDEN),
    (Unavailable, ExitCode.UNAVAILABLE),
    (TooMany, ExitCode.UNAVAILABLE),
    (Conflict, ExitCode.CONFLICT),
)


def code_of_problem(problem: Problem) -> ExitCode:
    return next((code for kind, code in _OF_PROBLEMS if isinstance(problem, kind)), ExitCode.FAILED)


def code_of_state(word: str) -> int:
    """How a wait for an execution ends: 0 for success, else the number of the state, 11 (failed) to 17 (missed)."""
    state = State.of(word)
    return ExitCode.OK if state is State.SUCCEEDED else int(state)
