"""Nodes: who is alive, leads and owns what; cordon, drain, resume."""

from typing import Annotated

from fastapi import APIRouter, Query

from distributedjob.api.rest.dependencies import Api, ApiDependencies, Caller
from distributedjob.api.rest.paths import Name
from distributedjob.api.rest.strict_json import StrictJsonRoute
from distributedjob.api.rest.wire.base import Page
from distributedjob.api.rest.wire.nodes import NodeQuery, NodeShown, OrderedShown, OrderIn, OrderShown
from distributedjob.model.identity import Principal
from distributedjob.services import nodes
from distributedjob.store.orders import Wanted

router = APIRouter(prefix="/v1/nodes", tags=["nodes"], route_class=StrictJsonRoute)

NO_REASON = OrderIn()


@router.get("")
async def list_nodes(query: Annotated[NodeQuery, Query()], api: Api, _caller: Caller) -> Page[NodeShown]:
    """List the nodes by name, on one page: the living, and those that ended within the last hour. Who is alive, who
    leads and who owns which shard is as the answering node sees it."""
    census = api.census()
    found = await api.desk.read(lambda tx: nodes.list_nodes(tx, census=census, wanted=query.to_filter()))
    return Page(items=[NodeShown.of(node) for node in found], next_cursor=None)


@router.post("/{name}/cordon")
async def cordon_nodes(name: Name, api: Api, caller: Caller, body: OrderIn = NO_REASON) -> OrderedShown:
    """Let the nodes of a name claim nothing new, over restarts too, until they are resumed. What runs goes on."""
    return await _order(api, caller, name, Wanted.CORDONED, body)


@router.post("/{name}/drain")
async def drain_nodes(name: Name, api: Api, caller: Caller, body: OrderIn = NO_REASON) -> OrderedShown:
    """Cordon, and empty: the nodes give up their shards and what has not started; calls in the air may end until the
    drain timeout, then they are cut. The nodes stay up, and not ready, until they are resumed."""
    return await _order(api, caller, name, Wanted.DRAINED, body)


@router.post("/{name}/resume")
async def resume_nodes(name: Name, api: Api, _caller: Caller) -> OrderedShown:
    """Take the order back: the nodes of this name work again."""
    await api.desk.write(lambda tx: nodes.resume(tx, name))
    return OrderedShown(name=name, order=None)


async def _order(api: ApiDependencies, caller: Principal, name: str, wanted: Wanted, body: OrderIn) -> OrderedShown:
    order = await api.desk.write(
        lambda tx: nodes.give_order(tx, name, principal=caller, wanted=wanted, reason=body.reason)
    )
    return OrderedShown(name=name, order=OrderShown.of(order))
