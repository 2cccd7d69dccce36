"""Levers: what is changed for the whole cluster while it runs."""

from fastapi import APIRouter

from distributedjob import __version__
from distributedjob.api.rest.dependencies import Api, Caller
from distributedjob.api.rest.paths import Name
from distributedjob.api.rest.strict_json import StrictJsonRoute
from distributedjob.api.rest.wire.base import Page
from distributedjob.api.rest.wire.levers import LeverIn, LeverShown
from distributedjob.services import levers

router = APIRouter(prefix="/v1/levers", tags=["levers"], route_class=StrictJsonRoute)


@router.get("")
async def list_levers(api: Api, _caller: Caller) -> Page[LeverShown]:
    """List all levers, on one page."""
    found = await api.desk.read(lambda tx: levers.list_levers(tx, defaults=api.levers))
    return Page(items=[LeverShown.of(lever) for lever in found], next_cursor=None)


@router.get("/{name}")
async def show_lever(name: Name, api: Api, _caller: Caller) -> LeverShown:
    """Show one lever. `catchup_rate`: missed fires caught up per second in the whole cluster; `min_version`: nodes of
    an older version are refused when they start."""
    return LeverShown.of(await api.desk.read(lambda tx: levers.get_lever(tx, name, defaults=api.levers)))


@router.put("/{name}")
async def set_lever(name: Name, body: LeverIn, api: Api, caller: Caller) -> LeverShown:
    """Set a lever; it holds within seconds, and over restarts. `catchup_rate` takes 0 to 10000, `min_version` a
    version such as `1.4.0`, no newer than the answering node."""
    done = await api.desk.write(
        lambda tx: levers.set_lever(
            tx, name, principal=caller, value=body.value, version=__version__, defaults=api.levers
        )
    )
    return LeverShown.of(done)


@router.delete("/{name}")
async def reset_lever(name: Name, api: Api, _caller: Caller) -> LeverShown:
    """Reset a lever to its default."""
    return LeverShown.of(await api.desk.write(lambda tx: levers.reset_lever(tx, name, defaults=api.levers)))
