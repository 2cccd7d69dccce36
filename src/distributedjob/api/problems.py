"""From errors to answers, in one table. A problem carries a stable code, a sentence, and one entry per faulty field."""

from dataclasses import dataclass, field
from typing import Any

from distributedjob.model.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Outdated,
    Problem,
    TooMany,
    Unauthenticated,
    Unavailable,
)

STATUSES: dict[type[Problem], tuple[int, str]] = {
    Invalid: (422, "The request is not valid"),
    NotFound: (404, "Not found"),
    Outdated: (412, "The resource has changed"),
    Conflict: (409, "The present state does not allow this"),
    Unauthenticated: (401, "Who are you?"),
    Forbidden: (403, "Not allowed"),
    TooMany: (429, "Too many requests"),
    Unavailable: (503, "Not available now"),
    Problem: (400, "The request cannot be served"),
}
MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ProblemAnswer:
    """An HTTP answer as RFC 9457 describes it."""

    status: int
    document: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


def answer_to(problem: Problem) -> ProblemAnswer:
    """The answer to a domain error."""
    status, title = next(STATUSES[kind] for kind in type(problem).__mro__ if kind in STATUSES)
    document = {"code": problem.code, **problem.ids}
    if isinstance(problem, Invalid) and problem.errors:
        document["errors"] = [
            {"field": error.field, "message": error.message, "code": error.code} for error in problem.errors
        ]
    headers = {}
    if isinstance(problem, TooMany | Unavailable):
        headers["Retry-After"] = str(problem.retry_after)
    if isinstance(problem, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="distributedjob"'
    return plain(status, title, detail=problem.message, headers=headers, **document)


def plain(
    status: int, title: str, *, detail: str, headers: dict[str, str] | None = None, **more: object
) -> ProblemAnswer:
    """An answer to what is no domain error: a wrong path, a broken body, a fault of ours."""
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return ProblemAnswer(status, document, headers or {})
