"""Stop switches: set, list, lift."""

from fastapi import APIRouter, Response

from distributedjob.api.rest.dependencies import Api, Caller
from distributedjob.api.rest.paths import StopId
from distributedjob.api.rest.strict_json import StrictJsonRoute
from distributedjob.api.rest.wire.base import Page, to_id
from distributedjob.api.rest.wire.stops import StopIn, StopShown
from distributedjob.model.stop import Scope
from distributedjob.services import stops

router = APIRouter(prefix="/v1/stops", tags=["stops"], route_class=StrictJsonRoute)


@router.get("")
async def list_stops(api: Api, _caller: Caller) -> Page[StopShown]:
    """List the switches in force, oldest first, on one page."""
    found = await api.desk.read(stops.list_stops)
    return Page(items=[StopShown.of(stop) for stop in found], next_cursor=None)


@router.post("", status_code=201)
async def set_stop(body: StopIn, api: Api, caller: Caller, response: Response) -> StopShown:
    """Stop the cluster, a department, a target or a queue: on every node no call of it begins, within 1.5 s. Fires
    that become due are recorded as `skipped` (`stopped`). What is being called goes on; cancel it by hand. A switch
    of the same scope and subject is replaced."""
    stop = await api.desk.write(
        lambda tx: stops.set_stop(
            tx,
            principal=caller,
            scope=Scope(body.scope),
            subject=body.subject,
            reason=body.reason,
            expires_at=body.expiry(tx.now),
        )
    )
    response.headers["Location"] = f"/v1/stops/{stop.id}"
    return StopShown.of(stop)


@router.delete("/{stop_id:id}", status_code=204)
async def lift_stop(stop_id: StopId, api: Api, _caller: Caller) -> None:
    """Lift a switch: what waited goes on."""
    await api.desk.write(lambda tx: stops.lift_stop(tx, to_id(stop_id)))
