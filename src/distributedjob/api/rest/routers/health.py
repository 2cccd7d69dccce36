"""Liveness, readiness and metrics. Health says one word, and nothing to strangers but that."""

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from distributedjob.api.rest.dependencies import Api, Caller

router = APIRouter(tags=["health"])

UNREADY: dict[int | str, dict[str, Any]] = {
    503: {"description": "Not now", "content": {"text/plain": {"schema": {"type": "string"}}}}
}
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/v1/health/live", response_class=PlainTextResponse)
async def live() -> str:
    """Say that the process answers."""
    return "live"


@router.get("/v1/health/ready", response_class=PlainTextResponse, responses=UNREADY)
async def ready(api: Api, response: Response) -> str:
    """Say whether the program does its work: 200 `ready`, or 503 `unready`."""
    if api.readiness():
        return "ready"
    response.status_code = 503
    return "unready"


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(api: Api, _caller: Caller) -> Response:
    """Show the metrics of this process as Prometheus text."""
    return Response(api.metrics(), media_type=METRICS_TYPE)
