"""Errors that reach a user: a stable code, a sentence, the ids or the field concerned, and the way out.

Problem
├── Invalid            the input is wrong; carries one FieldError per fault
├── NotFound
├── Conflict           the state does not allow it
│   └── Outdated       what was asked rests on an older version
├── Unauthenticated
├── Forbidden
├── TooMany            slow down; `retry_after`
└── Unavailable        a dependency is away; `retry_after`
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """`field` is a path such as `schedules[0].expression`; `message` says what is wrong and what is allowed."""

    field: str
    message: str
    code: str = "invalid"


class Problem(Exception):
    """Base of all errors with a code. `code` is stable; the text is for people."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, **ids: object) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.ids = ids


class Invalid(Problem):
    code = "invalid"

    def __init__(self, message: str, *, errors: tuple[FieldError, ...] = (), code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.errors = errors

    @classmethod
    def one(cls, field: str, message: str, *, code: str = "invalid") -> "Invalid":
        return cls(f"{field}: {message}", errors=(FieldError(field, message, code),))


class NotFound(Problem):
    code = "not_found"


class Conflict(Problem):
    code = "conflict"


class Outdated(Conflict):
    code = "outdated"


class Unauthenticated(Problem):
    code = "unauthenticated"


class Forbidden(Problem):
    code = "forbidden"


class TooMany(Problem):
    code = "too_many_requests"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(Problem):
    code = "unavailable"

    def __init__(self, message: str, *, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after
