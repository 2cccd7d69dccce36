"""The public API as the CLI uses it: one request per call, problem+json turned into the program's own errors."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx2

from distributedjob import __version__
from distributedjob.cli.connection import Connection
from distributedjob.model.errors import (
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    Problem,
    TooMany,
    Unauthenticated,
    Unavailable,
)

TIMEOUT_SECONDS = 30.0
PAGE = 100
LOOPBACK = ("127.0.0.1", "localhost", "::1")
Json = Any


class Client:
    """One connection to the API; close it, or use it as a context manager."""

    def __init__(self, connection: Connection) -> None:
        self.server = connection.server
        headers = {"User-Agent": f"distributedjob-cli/{__version__}", "Accept": "application/json"}
        if connection.token:
            headers["Authorization"] = f"Bearer {connection.token}"
        # A proxy of the environment is for the world outside, never for this machine.
        outside = httpx2.URL(connection.server).host not in LOOPBACK
        self._http = httpx2.Client(
            base_url=connection.server, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=outside
        )

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **query: object) -> Json:
        return self._ask("GET", path, query=query)

    def post(self, path: str, body: Json = None, *, headers: Mapping[str, str] | None = None) -> Json:
        return self._ask("POST", path, body=body, headers=headers)

    def put(self, path: str, body: Json, *, headers: Mapping[str, str] | None = None) -> Json:
        return self._ask("PUT", path, body=body, headers=headers)

    def delete(self, path: str, **query: object) -> Json:
        return self._ask("DELETE", path, query=query)

    def items(self, path: str, *, limit: int | None = None, **query: object) -> Iterator[Json]:
        """The items of a paged list, at most `limit`. A page may be short, or empty, and still have a next one."""
        cursor: str | None = None
        while limit is None or limit > 0:
            size = PAGE if limit is None else min(limit, PAGE)
            page = self.get(path, limit=size, cursor=cursor, **query)
            yield from page["items"]
            cursor = page.get("next_cursor")
            if limit is not None:
                limit -= len(page["items"])
            if cursor is None:
                return

    def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: Json = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        parameters = {name: value for name, value in (query or {}).items() if value is not None}
        try:
            answer = self._http.request(method, path, params=parameters, json=body, headers=headers)  # type: ignore[arg-type]
        except httpx2.TimeoutException as error:
            raise Unavailable(f"{self.server} did not answer within {TIMEOUT_SECONDS:.0f} s", retry_after=0) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Unavailable(
                f"cannot reach {self.server}: {error or type(error).__name__}. Is the server running ('distributedjob "
                "serve'), and is this its address (--server, DISTRIBUTEDJOB_SERVER)?",
                retry_after=0,
            ) from error
        except (TypeError, ValueError) as error:
            raise Invalid(f"this cannot be sent as JSON: {error}") from error
        if answer.is_success:
            return _json_of(answer, self.server) if answer.content else None
        raise problem_of(answer)


def segment(text: str) -> str:
    """A value as one segment of a path."""
    return quote(text, safe="")


def problem_of(answer: httpx2.Response) -> Problem:
    """The error that an answer stands for, whoever sent it: our API, or something in between."""
    body = _body_of(answer)
    message = str(body.get("detail") or body.get("title") or f"the server answered {answer.status_code}")
    retry_after = _whole_seconds(answer.headers.get("Retry-After"))
    code = body.get("code")
    match answer.status_code:
        case 401:
            return Unauthenticated(message, code=code)
        case 403:
            return Forbidden(message, code=code)
        case 404 | 410:
            return NotFound(message, code=code)
        case 409 | 412 | 428:
            return Conflict(message, code=code)
        case 429:
            return TooMany(message, retry_after=retry_after)
        case 502 | 503 | 504:
            return Unavailable(message, retry_after=retry_after)
        case status if 400 <= status < 500:
            return Invalid(message, errors=_field_errors(body), code=code)
    return Problem(f"{message} (status {answer.status_code})", code=code)


def _body_of(answer: httpx2.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _field_errors(body: dict[str, Any]) -> tuple[FieldError, ...]:
    return tuple(
        FieldError(str(error.get("field", "")), str(error.get("message", "")), str(error.get("code", "invalid")))
        for error in body.get("errors") or ()
        if isinstance(error, dict)
    )


def _json_of(answer: httpx2.Response, server: str) -> Json:
    try:
        return answer.json()
    except ValueError as error:
        raise Problem(f"{server} answered without JSON: is it a DistributedJob server?") from error


def _whole_seconds(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
