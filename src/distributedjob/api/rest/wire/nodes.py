"""Nodes and the orders they are under, in JSON."""

from typing import Annotated, Literal

from pydantic import Field

from distributedjob.api.rest.wire.base import Id, Parameters, Shown, ShownInstant, Wire, shown_instant
from distributedjob.model.instant import to_rfc3339
from distributedjob.model.node import LABEL
from distributedjob.services.nodes import Node, NodeFilter, labels_of
from distributedjob.store.orders import Order

RoleWord = Literal["api", "scheduler", "worker"]
NAMESAKE = "another living node has this name: an order means both; give each its own node_name"


class NodeQuery(Parameters):
    label: list[Annotated[str, Field(pattern=LABEL)]] = Field(
        default=[], max_length=32, description="`name=value`; may be repeated, and all must hold"
    )
    role: RoleWord | None = None

    def to_filter(self) -> NodeFilter:
        return NodeFilter(labels=labels_of(",".join(self.label)), role=self.role)


class OrderIn(Wire):
    reason: str = Field(default="", max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$", description="for those who ask why")


class OrderShown(Shown):
    """`cordoned`: claims nothing new. `drained`: owns no shard either, and has given back what had not started."""

    wanted: Literal["cordoned", "drained"]
    reason: str
    ordered_by: str
    ordered_at: ShownInstant

    @classmethod
    def of(cls, order: Order) -> "OrderShown":
        return cls(
            wanted=order.wanted.value,
            reason=order.reason,
            ordered_by=order.ordered_by,
            ordered_at=to_rfc3339(order.ordered_at),
        )


class OrderedShown(Shown):
    """The order that the nodes of a name are under; null: none."""

    name: str
    order: OrderShown | None


class NodeShown(Shown):
    """One process, from its start to its end: `session`. `silent`: no heartbeat for 6 s; `dead`: declared so after
    15 s; `leaving`: it ends its calls; `absent`: only its order is known. `running` are executions it holds."""

    name: str
    session: Id | None
    state: Literal["active", "silent", "leaving", "ended", "dead", "absent"]
    version: str
    roles: list[RoleWord]
    queues: list[str]
    labels: dict[str, str]
    slots: int
    running: int
    started_at: ShownInstant | None
    ended_at: ShownInstant | None
    order: OrderShown | None
    leader: bool
    shards: list[int]
    warnings: list[str]

    @classmethod
    def of(cls, node: Node) -> "NodeShown":
        return cls.model_validate(
            {
                "name": node.name,
                "session": None if node.session is None else str(node.session),
                "state": node.state.value,
                "version": node.version,
                "roles": list(node.roles),
                "queues": list(node.queues),
                "labels": dict(node.labels or {}),
                "slots": node.slots,
                "running": node.running,
                "started_at": shown_instant(node.started_at),
                "ended_at": shown_instant(node.ended_at),
                "order": None if node.order is None else OrderShown.of(node.order),
                "leader": node.leads,
                "shards": list(node.shards),
                "warnings": [NAMESAKE] if node.namesake else [],
            }
        )
