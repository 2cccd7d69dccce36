"""Tasks: create, show, change, pause, run, delete."""

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Response
from pydantic import Field

from distributedjob.api.rest.dependencies import Api, ApiDependencies, Caller
from distributedjob.api.rest.etags import IfMatch, etag_of, expected_revisions
from distributedjob.api.rest.faults import validated
from distributedjob.api.rest.paging import DEFAULT_LIMIT, Cursor, Limit, decode_cursor, encode_cursor
from distributedjob.api.rest.paths import ScheduleId, TaskId
from distributedjob.api.rest.strict_json import StrictJsonRoute
from distributedjob.api.rest.wire.base import Page, Parameters, to_id
from distributedjob.api.rest.wire.executions import RunShown
from distributedjob.api.rest.wire.interventions import RunIn
from distributedjob.api.rest.wire.tasks import TaskIn, TaskPatch, TaskShown, merged, task_document
from distributedjob.model.identity import Principal
from distributedjob.model.task import Task, TaskDefinition
from distributedjob.services import changes, runs, tasks
from distributedjob.services.desk import Transaction
from distributedjob.services.drafts import TaskDraft
from distributedjob.services.executions import Listed
from distributedjob.services.queues import warned, warnings_of

router = APIRouter(prefix="/v1/tasks", tags=["tasks"], route_class=StrictJsonRoute)

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=128,
        pattern=r"^[\x21-\x7e]+$",
        description="the same key within 24 hours gives the same execution again; with another body 422",
    ),
]


NO_PARAMETERS = RunIn()


class TaskQuery(Parameters):
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None
    name: str | None = Field(default=None, max_length=200, description="the whole name")
    search: str | None = Field(default=None, max_length=200, description="a part of the name, in any case")
    enabled: Literal["true", "false"] | None = None


@router.get("")
async def list_tasks(query: Annotated[TaskQuery, Query()], api: Api, caller: Caller) -> Page[TaskShown]:
    """List tasks, newest first."""
    position = decode_cursor(query.cursor, parts=1)
    found = await api.desk.read(
        lambda tx: tasks.list_tasks(
            tx,
            principal=caller,
            limit=query.limit + 1,
            before_id=None if position is None else position[0],
            name=query.name,
            search=query.search,
            enabled=None if query.enabled is None else query.enabled == "true",
        )
    )
    warnings = await api.desk.read(lambda tx: warnings_of(tx, {task.definition.queue for task in found}))
    items = [TaskShown.of(task, warnings=warnings) for task in found[: query.limit]]
    more = len(found) > query.limit
    return Page(items=items, next_cursor=encode_cursor([found[query.limit - 1].id]) if more else None)


@router.post("", status_code=201)
async def create_task(body: TaskIn, api: Api, caller: Caller, response: Response) -> TaskShown:
    """Create a task. Its schedules fire from now on, unless it is created paused (`enabled: false`)."""
    draft = body.to_draft()
    task, warnings = await api.desk.write(
        lambda tx: warned(tx, tasks.create_task(tx, principal=caller, draft=draft, egress=api.egress))
    )
    response.headers["Location"] = f"/v1/tasks/{task.id}"
    response.headers["ETag"] = etag_of(task.revision)
    return TaskShown.of(task, warnings=warnings)


@router.get("/{task_id:id}")
async def show_task(task_id: TaskId, api: Api, caller: Caller, response: Response) -> TaskShown:
    """Show a task with its schedules and their next fires."""
    task, warnings = await api.desk.read(lambda tx: warned(tx, tasks.get_task(tx, to_id(task_id), principal=caller)))
    response.headers["ETag"] = etag_of(task.revision)
    return TaskShown.of(task, warnings=warnings)


@router.put("/{task_id:id}")
async def replace_task(
    task_id: TaskId, body: TaskIn, api: Api, caller: Caller, response: Response, if_match: IfMatch = None
) -> TaskShown:
    """Replace a task as a whole. Schedules are recognised by id, then key, then equal definition, and keep what
    belongs to them: their seed, their anchor and, if they did not change, their next fire."""
    draft = body.to_draft()
    return await _revise(api, caller, task_id, lambda _: draft, response, if_match)


@router.patch("/{task_id:id}")
async def patch_task(
    task_id: TaskId, body: TaskPatch, api: Api, caller: Caller, response: Response, if_match: IfMatch = None
) -> TaskShown:
    """Change a task in part, by JSON merge patch (RFC 7396): null restores a default, a list is replaced."""
    patch = body.model_dump(exclude_unset=True)

    def change(present: TaskDefinition) -> TaskDraft:
        return validated(TaskIn, merged(task_document(present), patch)).to_draft()

    return await _revise(api, caller, task_id, change, response, if_match)


@router.delete("/{task_id:id}", status_code=204)
async def delete_task(task_id: TaskId, api: Api, caller: Caller, if_match: IfMatch = None) -> None:
    """Delete a task. Executions that were recorded go on, and stay in the history."""
    expected = expected_revisions(if_match)
    await api.desk.write(lambda tx: tasks.delete_task(tx, to_id(task_id), principal=caller, expected=expected))


@router.post("/{task_id:id}/enable")
async def enable_task(
    task_id: TaskId, api: Api, caller: Caller, response: Response, if_match: IfMatch = None
) -> TaskShown:
    """Resume a task: its schedules fire from now on; what would have fired meanwhile is not made up for."""
    return await _revise(api, caller, task_id, changes.enabling, response, if_match)


@router.post("/{task_id:id}/disable")
async def disable_task(
    task_id: TaskId, api: Api, caller: Caller, response: Response, if_match: IfMatch = None
) -> TaskShown:
    """Pause a task: no schedule fires; it can still be run by hand."""
    return await _revise(api, caller, task_id, changes.disabling, response, if_match)


@router.post("/{task_id:id}/schedules/{schedule_id:id}/enable")
async def enable_schedule(
    task_id: TaskId, schedule_id: ScheduleId, api: Api, caller: Caller, response: Response
) -> TaskShown:
    """Resume one schedule of a task."""
    switch = changes.ScheduleSwitch(to_id(schedule_id), enabled=True)
    return await _revise(api, caller, task_id, switch, response, None)


@router.post("/{task_id:id}/schedules/{schedule_id:id}/disable")
async def disable_schedule(
    task_id: TaskId, schedule_id: ScheduleId, api: Api, caller: Caller, response: Response
) -> TaskShown:
    """Pause one schedule of a task."""
    switch = changes.ScheduleSwitch(to_id(schedule_id), enabled=False)
    return await _revise(api, caller, task_id, switch, response, None)


@router.post("/{task_id:id}/run", status_code=202)
async def run_task(
    task_id: TaskId, api: Api, caller: Caller, response: Response, body: RunIn = NO_PARAMETERS, key: Key = None
) -> RunShown:
    """Run a task now, paused or not, with parameters of its own over those of the task. What is stopped by a switch
    is refused: 409 `stopped`."""

    def verb(tx: Transaction) -> tuple[Listed, Mapping[str, str]]:
        run = runs.run_task(tx, to_id(task_id), principal=caller, parameters=body.parameters, key=key)
        return run, warnings_of(tx, [run.row.queue])

    run, warnings = await api.desk.write(verb)
    response.headers["Location"] = f"/v1/executions/{run.row.id}"
    return RunShown.of_run(run, warnings=warnings)


async def _revise(
    api: ApiDependencies,
    caller: Principal,
    task_id: str,
    change: changes.Change,
    response: Response,
    if_match: str | None,
) -> TaskShown:
    expected = expected_revisions(if_match)

    def verb(tx: Transaction) -> tuple[Task, Mapping[str, str]]:
        revised = tasks.revise_task(
            tx, to_id(task_id), principal=caller, change=change, egress=api.egress, expected=expected
        )
        return warned(tx, revised)

    task, warnings = await api.desk.write(verb)
    response.headers["ETag"] = etag_of(task.revision)
    return TaskShown.of(task, warnings=warnings)
