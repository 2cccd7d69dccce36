"""Queues: who serves each, and what waits."""

from fastapi import APIRouter

from distributedjob.api.rest.dependencies import Api, Caller
from distributedjob.api.rest.strict_json import StrictJsonRoute
from distributedjob.api.rest.wire.base import Page
from distributedjob.api.rest.wire.queues import QueueShown
from distributedjob.services import queues

router = APIRouter(prefix="/v1/queues", tags=["queues"], route_class=StrictJsonRoute)


@router.get("")
async def list_queues(api: Api, _caller: Caller) -> Page[QueueShown]:
    """List every queue that a task names, an execution waits in or a worker serves, by name and on one page."""
    found = await api.desk.read(queues.list_queues)
    return Page(items=[QueueShown.of(queue, now=api.desk.clock()) for queue in found], next_cursor=None)
