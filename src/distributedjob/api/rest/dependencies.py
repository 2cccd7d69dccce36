"""What the API needs from the rest of the program, and how a handler gets at it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from distributedjob.api.rest.limits import RequestLimits, address_of
from distributedjob.cluster.port import Census
from distributedjob.model.identity import Principal
from distributedjob.services.authentication import Authenticator
from distributedjob.services.desk import Desk
from distributedjob.services.levers import Defaults
from distributedjob.targets.egress import EgressPolicy

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fault:
    """An error that nothing foresaw, for the log. `id` is what the user was told."""

    id: str
    method: str
    path: str
    error: Exception


@dataclass(frozen=True, slots=True)
class ApiDependencies:
    """`readiness` answers at once, from memory. `metrics` renders Prometheus' text. `egress` judges new targets.
    `census`: who is there, as this node sees it. `levers`: what holds where none is set."""

    desk: Desk
    authenticator: Authenticator
    limits: RequestLimits
    readiness: Callable[[], bool]
    metrics: Callable[[], bytes]
    egress: EgressPolicy
    census: Callable[[], Census]
    levers: Defaults
    on_fault: Callable[[Fault], None]
    max_body_bytes: int = MIB


_bearer = HTTPBearer(
    auto_error=False, description="An access token from `POST /v1/auth/login`, or an API token (`dj_…`)."
)


def _dependencies(request: Request) -> ApiDependencies:
    return cast("ApiDependencies", request.app.state.dependencies)


def _principal(request: Request, _credentials: Annotated[object, Depends(_bearer)]) -> Principal:
    """Who the edge let in; it lets nobody else reach a handler that asks for this."""
    return cast("Principal", request.scope["principal"])


def _credentials(request: Request, _credentials: Annotated[object, Depends(_bearer)]) -> str:
    return cast("str", request.scope["credentials"])


def _address(request: Request) -> str:
    return address_of(request.scope)


Api = Annotated[ApiDependencies, Depends(_dependencies)]
Caller = Annotated[Principal, Depends(_principal)]
Credentials = Annotated[str, Depends(_credentials)]
Address = Annotated[str, Depends(_address)]
