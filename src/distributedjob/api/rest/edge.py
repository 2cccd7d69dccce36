"""The outermost layer, as plain ASGI: who may come in, which headers every answer carries, and the last resort.

Authentication is decided here, before a body is read and before a path is looked up: everything that is not listed
as open needs a principal, so a route that is added later cannot be forgotten.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from fastapi import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from distributedjob.api.problems import MEDIA_TYPE, ProblemAnswer, answer_to, plain
from distributedjob.api.rest.dependencies import ApiDependencies, Fault
from distributedjob.model.errors import Problem, Unauthenticated
from distributedjob.model.identity import Principal

OPEN = frozenset(
    {
        ("POST", "/v1/auth/login"),
        ("GET", "/v1/health/live"),
        ("GET", "/v1/health/ready"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
    }
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Edge:
    """Wraps the whole application."""

    app: ASGIApp
    dependencies: ApiDependencies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sending = _Sending(send)
        try:
            await self._admit(scope)
            await self.app(scope, _Receiving(receive, scope, self.dependencies.max_body_bytes), sending)
        except HTTPException as error:
            answer = plain(error.status_code, "Too large", detail=error.detail, code="too_large")
            await self._answer(answer, scope, receive, sending)
        except Problem as problem:
            await self._answer(answer_to(problem), scope, receive, sending)
        except Exception as error:  # noqa: BLE001 - the last resort: nobody above could do better
            await self._answer(self._unforeseen(error, scope), scope, receive, sending)

    async def _admit(self, scope: Scope) -> None:
        """Strangers and wrong credentials count for their address, everybody else for himself."""
        limits = self.dependencies.limits
        try:
            principal = await self._identify(scope)
        except Unauthenticated:
            await limits.check(scope, None)
            raise
        await limits.check(scope, principal)

    async def _identify(self, scope: Scope) -> Principal | None:
        credentials = _credentials(scope)
        if credentials is None:
            if (scope["method"], scope["path"]) not in OPEN:
                raise Unauthenticated("send 'Authorization: Bearer …' with an access token or an API token")
            return None
        principal = await self.dependencies.authenticator.authenticate(credentials)
        scope["principal"], scope["credentials"] = principal, credentials
        return principal

    def _unforeseen(self, error: Exception, scope: Scope) -> ProblemAnswer:
        fault_id = secrets.token_hex(8)
        self.dependencies.on_fault(Fault(fault_id, scope["method"], scope["path"], error))
        detail = f"something went wrong here; the program's log says what, under the id {fault_id}"
        return plain(500, "A fault of the program", detail=detail, code="internal", fault_id=fault_id)

    async def _answer(self, answer: ProblemAnswer, scope: Scope, receive: Receive, sending: "_Sending") -> None:
        if not sending.started:
            await response_of(answer)(scope, receive, sending)


def response_of(answer: ProblemAnswer) -> Response:
    return JSONResponse(answer.document, answer.status, answer.headers, media_type=MEDIA_TYPE)


class _Receiving:
    """Refuses a body that is too large, as announced or as it comes, before it is in memory."""

    def __init__(self, receive: Receive, scope: Scope, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._announced = _length(scope)
        self._received = 0

    async def __call__(self) -> Message:
        self._check(self._announced)
        message = await self._receive()
        self._received += len(message.get("body", b""))
        self._check(self._received)
        return message

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise HTTPException(413, f"the body is larger than {self._limit} bytes")


class _Sending:
    """Adds the headers that every answer carries, and notes that one has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            message = {**message, "headers": _completed(message.get("headers", ()))}
        await self._send(message)


def _completed(headers: Any) -> list[tuple[bytes, bytes]]:
    present = [(bytes(name), bytes(value)) for name, value in headers]
    names = {name.lower() for name, _ in present}
    ours = ((name.lower().encode(), value.encode()) for name, value in HEADERS.items())
    return [*present, *((name, value) for name, value in ours if name not in names)]


def _credentials(scope: Scope) -> str | None:
    """The bearer credentials; None without an Authorization header. Raises Unauthenticated for another scheme."""
    found = [value for name, value in scope["headers"] if name == b"authorization"]
    if not found:
        return None
    scheme, _, credentials = str(found[0], "latin-1").partition(" ")
    if len(found) > 1 or scheme.lower() != "bearer" or not credentials.strip():
        raise Unauthenticated("the Authorization header has to be 'Bearer …' with an access token or an API token")
    return credentials.strip()


def _length(scope: Scope) -> int:
    """What Content-Length says; 0 where it says nothing."""
    found = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(found[0]) if found and found[0].isdigit() else 0
