"""What an operator does to executions: cancel, run again, resolve, purge."""

from fastapi import APIRouter, Response

from distributedjob.api.rest.dependencies import Api, Caller
from distributedjob.api.rest.paths import ExecutionId
from distributedjob.api.rest.strict_json import StrictJsonRoute
from distributedjob.api.rest.wire.base import bound_of, maybe_bound, to_id
from distributedjob.api.rest.wire.executions import ExecutionShown, RecordShown
from distributedjob.api.rest.wire.interventions import CancelIn, CancelShown, PurgeIn, PurgeShown, RerunIn, ResolveIn
from distributedjob.model.execution import State
from distributedjob.services import executions, runs
from distributedjob.services.executions import Resolution
from distributedjob.services.rendering import render_request
from distributedjob.services.runs import RerunWith
from distributedjob.store.history import Filter

router = APIRouter(prefix="/v1/executions", tags=["executions"], route_class=StrictJsonRoute)

AS_IT_WAS = RerunIn()


@router.post("/cancel")
async def cancel_executions(body: CancelIn, api: Api, caller: Caller) -> CancelShown:
    """Cancel unfinished executions by filter, up to 1,000 per request; ask again while there are `more`."""
    wanted = Filter(
        task_id=None if body.task_id is None else to_id(body.task_id),
        states=frozenset(State.of(word) for word in body.states),
        until=maybe_bound(body.before),
    )
    done = await api.desk.write(lambda tx: executions.cancel_executions(tx, wanted, principal=caller))
    return CancelShown(cancelled=done.cancelled, asked=done.asked, more=done.more)


@router.post("/purge")
async def purge_executions(body: PurgeIn, api: Api, caller: Caller) -> PurgeShown:
    """Delete ended executions by filter, oldest first, up to 1,000 per request; ask again while there are `more`."""
    done = await api.desk.write(
        lambda tx: executions.purge_executions(
            tx,
            principal=caller,
            before=bound_of(body.before),
            task_id=None if body.task_id is None else to_id(body.task_id),
            states=frozenset(State.of(word) for word in body.states),
        )
    )
    return PurgeShown(purged=done.purged, more=done.more)


@router.post("/{execution_id:id}/cancel", status_code=202)
async def cancel_execution(execution_id: ExecutionId, api: Api, caller: Caller) -> ExecutionShown:
    """Cancel an execution: at once while it waits; a running one is asked to stop, and may still succeed first."""
    done = await api.desk.write(lambda tx: executions.cancel_execution(tx, to_id(execution_id), principal=caller))
    return ExecutionShown.of(done)


@router.post("/{execution_id:id}/rerun", status_code=202)
async def rerun_execution(
    execution_id: ExecutionId, api: Api, caller: Caller, response: Response, body: RerunIn = AS_IT_WAS
) -> ExecutionShown:
    """Repeat an execution that has ended, with its parameters, as it was or on the task's present revision."""
    run = await api.desk.write(
        lambda tx: runs.rerun(tx, to_id(execution_id), principal=caller, revision=RerunWith(body.revision))
    )
    response.headers["Location"] = f"/v1/executions/{run.row.id}"
    return ExecutionShown.of(run)


@router.post("/{execution_id:id}/resolve")
async def resolve_execution(execution_id: ExecutionId, body: ResolveIn, api: Api, caller: Caller) -> RecordShown:
    """Note what became of an `unknown` execution. Its state stays."""
    record = await api.desk.write(
        lambda tx: executions.resolve_execution(
            tx, to_id(execution_id), principal=caller, resolution=Resolution(body.resolution), note=body.note
        )
    )
    return RecordShown.of_record(record, rendered=render_request(record, cluster_key=api.desk.cluster_key))
