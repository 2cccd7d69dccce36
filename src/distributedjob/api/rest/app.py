"""The REST application: routers, the edge around them, and every error as problem+json."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Route

from distributedjob import __version__
from distributedjob.api.problems import answer_to, plain
from distributedjob.api.rest.dependencies import ApiDependencies
from distributedjob.api.rest.docs_page import POLICY, render_docs
from distributedjob.api.rest.edge import Edge, response_of
from distributedjob.api.rest.faults import invalid
from distributedjob.api.rest.routers import (
    auth,
    executions,
    health,
    interventions,
    levers,
    nodes,
    queues,
    revisions,
    schedules,
    stops,
    tasks,
)
from distributedjob.model.errors import Problem

DESCRIPTION = """Define tasks that call HTTP endpoints on schedules, and see every execution.

Log in at `/v1/auth/login` and send `Authorization: Bearer …`. Errors are `application/problem+json` with a stable
`code` and the fields concerned."""

PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message", "code"],
                "properties": {name: {"type": "string"} for name in ("field", "message", "code")},
            },
        },
    },
}
PROBLEM: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "What is wrong, as RFC 9457 says it",
        "content": {"application/problem+json": {"schema": PROBLEM_SCHEMA}},
    }
}


ROUTERS = (
    auth.router,
    tasks.router,
    revisions.router,
    schedules.router,
    interventions.router,
    executions.executions_router,
    executions.records_router,
    nodes.router,
    queues.router,
    stops.router,
    levers.router,
    health.router,
)


def create_api(dependencies: ApiDependencies) -> FastAPI:
    """The ASGI application; it starts and stops nothing of its own."""
    app = _create(dependencies, ROUTERS, openapi_url="/openapi.json")
    app.add_route("/docs", _docs, include_in_schema=False)
    return app


def create_probes(dependencies: ApiDependencies) -> FastAPI:
    """What a node without the API answers: how it is, and its metrics."""
    return _create(dependencies, (health.router,), openapi_url=None)


def _create(dependencies: ApiDependencies, routers: Sequence[APIRouter], *, openapi_url: str | None) -> FastAPI:
    app = FastAPI(
        title="DistributedJob",
        version=__version__,
        description=DESCRIPTION,
        openapi_url=openapi_url,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=PROBLEM,
        generate_unique_id_function=_operation_id,
        telemetry={"tracing": False, "metrics": False},
    )
    app.state.dependencies = dependencies
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_middleware(Edge, dependencies=dependencies)
    return app


def _operation_id(route: APIRoute) -> str:
    return f"{route.tags[0]}_{route.name}"


async def _docs(request: Request) -> Response:
    page = render_docs(request.app.openapi())
    return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})


async def _on_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return response_of(answer_to(error))


async def _on_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return response_of(answer_to(invalid(error.errors())))


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    match error.status_code:
        case 404:
            answer = plain(404, "Not found", detail=f"there is nothing at {request.url.path}", code="not_found")
        case 405:
            headers["Allow"] = ", ".join(_allowed(request))
            detail = f"{request.method} is not served here; allowed: {headers['Allow']}"
            answer = plain(405, "Method not allowed", detail=detail, headers=headers, code="method_not_allowed")
        case 413:
            answer = plain(413, "Too large", detail=str(error.detail), headers=headers, code="too_large")
        case status:
            detail = str(error.detail)
            answer = plain(status, "The request cannot be served", detail=detail, headers=headers, code="malformed")
    return response_of(answer)


def _allowed(request: Request) -> list[str]:
    """The methods of all routes of this path; the framework alone names those of the first."""
    routes = [*request.app.routes, *(route for router in ROUTERS for route in router.routes)]
    found = (route for route in routes if isinstance(route, Route) and route.path_regex.match(request.url.path))
    return sorted({method for route in found for method in route.methods or ()})
