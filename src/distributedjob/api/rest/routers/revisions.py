"""The revisions of a task: look back, and roll back."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from distributedjob.api.rest.dependencies import Api, Caller
from distributedjob.api.rest.etags import IfMatch, etag_of, expected_revisions
from distributedjob.api.rest.paging import DEFAULT_LIMIT, Cursor, Limit, decode_cursor, encode_cursor
from distributedjob.api.rest.paths import TaskId
from distributedjob.api.rest.strict_json import StrictJsonRoute
from distributedjob.api.rest.wire.base import Page, Parameters, to_id
from distributedjob.api.rest.wire.tasks import RevisionShown, TaskShown
from distributedjob.model.task import Task
from distributedjob.services import changes, tasks
from distributedjob.services.desk import Transaction
from distributedjob.services.queues import warned

router = APIRouter(prefix="/v1/tasks/{task_id:id}/revisions", tags=["revisions"], route_class=StrictJsonRoute)

Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


class RevisionQuery(Parameters):
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


@router.get("")
async def list_revisions(
    task_id: TaskId, query: Annotated[RevisionQuery, Query()], api: Api, caller: Caller
) -> Page[RevisionShown]:
    """List the revisions of a task, newest first."""
    position = decode_cursor(query.cursor, parts=1)
    found = await api.desk.read(
        lambda tx: tasks.list_revisions(
            tx,
            to_id(task_id),
            principal=caller,
            limit=query.limit + 1,
            before=None if position is None else position[0],
        )
    )
    items = [RevisionShown.of(revision) for revision in found[: query.limit]]
    more = len(found) > query.limit
    return Page(items=items, next_cursor=encode_cursor([found[query.limit - 1].number]) if more else None)


@router.get("/{revision}")
async def show_revision(task_id: TaskId, revision: Number, api: Api, caller: Caller) -> RevisionShown:
    """Show one revision as it was saved."""
    found = await api.desk.read(lambda tx: tasks.get_revision(tx, to_id(task_id), revision, principal=caller))
    return RevisionShown.of(found)


@router.post("/{revision}/restore")
async def restore_revision(
    task_id: TaskId, revision: Number, api: Api, caller: Caller, response: Response, if_match: IfMatch = None
) -> TaskShown:
    """Roll back: save an old definition as a new revision. Whether the task is paused stays as it is."""
    expected = expected_revisions(if_match)

    def restore(tx: Transaction) -> tuple[Task, Mapping[str, str]]:
        old = tasks.get_revision(tx, to_id(task_id), revision, principal=caller)
        change = changes.restoring(old)
        revised = tasks.revise_task(
            tx, to_id(task_id), principal=caller, change=change, egress=api.egress, expected=expected
        )
        return warned(tx, revised)

    task, warnings = await api.desk.write(restore)
    response.headers["ETag"] = etag_of(task.revision)
    return TaskShown.of(task, warnings=warnings)
