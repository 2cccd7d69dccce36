"""The verbs on nodes: who is there and does what, and what operators want of the nodes of a name."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from distributedjob.cluster.ownership import shards_of
from distributedjob.cluster.port import Census
from distributedjob.dispatch.port import OrdersChanged
from distributedjob.model.errors import NotFound
from distributedjob.model.identity import Principal
from distributedjob.model.instant import DAY, HOUR, Instant
from distributedjob.services.desk import Transaction
from distributedjob.store import nodes, orders
from distributedjob.store.nodes import KnownNode
from distributedjob.store.orders import Order, Wanted

LISTED = HOUR
"""How long a node that ended is still listed, if none of its name came back."""

REMEMBERED = 2 * DAY
"""One with an order is listed for as long as anything is known of it, and then by its order alone."""


class Condition(StrEnum):
    """`silent`: no heartbeat for 6 s, as the answering node sees it. `leaving`: it ends its calls. `absent`: nothing
    is known of it but an order."""

    ACTIVE = "active"
    SILENT = "silent"
    LEAVING = "leaving"
    ENDED = "ended"
    DEAD = "dead"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class NodeFilter:
    """`labels` must all be there; `role` None: any."""

    labels: Mapping[str, str]
    role: str | None = None


EVERYBODY = NodeFilter(labels={})


@dataclass(frozen=True, slots=True)
class Node:
    """One session of a node; `session` None: only its order is known. `namesake`: another living one has its name."""

    name: str
    state: Condition
    session: int | None = None
    version: str = ""
    roles: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    labels: Mapping[str, str] | None = None
    slots: int = 0
    running: int = 0
    started_at: Instant | None = None
    ended_at: Instant | None = None
    order: Order | None = None
    leads: bool = False
    shards: tuple[int, ...] = ()
    namesake: bool = False


def list_nodes(tx: Transaction, *, census: Census, wanted: NodeFilter = EVERYBODY) -> list[Node]:
    """Every living session, and of each name without one the last; by name."""
    known = nodes.list_known(tx.connection, ended_after=tx.now - REMEMBERED)
    ordered = orders.list_orders(tx.connection)
    rows = [row for row in known if row.ended_at is None]
    rows += _last_of_the_others(known, {row.name for row in rows}, ordered, now=tx.now)
    held = nodes.count_held(tx.connection, [row.session for row in rows])
    living = Counter(row.name for row in rows if row.ended_at is None and not row.leaving)
    found = [_node(row, census, ordered.get(row.name), held.get(row.session, 0), living[row.name]) for row in rows]
    found += [Node(name, Condition.ABSENT, order=order) for name, order in ordered.items() if name not in _names(rows)]
    return sorted((node for node in found if _matches(node, wanted)), key=lambda node: (node.name, node.session or 0))


def give_order(tx: Transaction, name: str, *, principal: Principal, wanted: Wanted, reason: str) -> Order:
    """What all nodes of this name, now and after a restart, are to do. Raises NotFound for an unknown name."""
    _require(tx, name)
    order = Order(name, wanted, reason, principal.name, tx.now)
    orders.place_order(tx.connection, order)
    tx.news.append(OrdersChanged())
    return order


def resume(tx: Transaction, name: str) -> None:
    """Back into service; a node without an order is in service already."""
    if orders.lift_order(tx.connection, name):
        tx.news.append(OrdersChanged())
    else:
        _require(tx, name)


def _require(tx: Transaction, name: str) -> None:
    if not nodes.is_known(tx.connection, name) and orders.find_order(tx.connection, name) is None:
        raise NotFound(f"there is no node '{name}'; 'distributedjob node list' shows them", id=name)


def _last_of_the_others(
    known: Collection[KnownNode], living: Collection[str], ordered: Collection[str], *, now: Instant
) -> list[KnownNode]:
    """The newest session of each name that has no living one, if it ended of late or is under an order."""
    last: dict[str, KnownNode] = {}
    for row in known:
        if row.name not in living:
            last.setdefault(row.name, row)
    return [row for row in last.values() if row.name in ordered or (row.ended_at or now) > now - LISTED]


def _names(rows: Collection[KnownNode]) -> set[str]:
    return {row.name for row in rows}


def _node(row: KnownNode, census: Census, order: Order | None, running: int, living: int) -> Node:
    owns = row.session in census.owners
    return Node(
        name=row.name,
        state=_condition(row, census),
        session=row.session,
        version=row.version,
        roles=_words(row.roles),
        queues=_words(row.queues),
        labels=labels_of(row.labels),
        slots=row.slots,
        running=running,
        started_at=row.started_at,
        ended_at=row.ended_at,
        order=order,
        leads=row.session == census.leader,
        shards=shards_of(row.session, census.owners) if owns else (),
        namesake=living > 1 and row.ended_at is None and not row.leaving,
    )


def _condition(row: KnownNode, census: Census) -> Condition:
    if row.dead:
        return Condition.DEAD
    if row.ended_at is not None:
        return Condition.ENDED
    if row.leaving:
        return Condition.LEAVING
    is_silent = bool(census.alive) and row.session not in census.alive
    return Condition.SILENT if is_silent else Condition.ACTIVE


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split(",") if word)


def labels_of(text: str) -> dict[str, str]:
    """Labels as they are stored: `zone=a,rack=7`."""
    return {name: value for name, _, value in (word.partition("=") for word in _words(text))}


def _matches(node: Node, wanted: NodeFilter) -> bool:
    labels = node.labels or {}
    fits = all(labels.get(name) == value for name, value in wanted.labels.items())
    return fits and (wanted.role is None or wanted.role in node.roles)
