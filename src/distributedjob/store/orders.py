"""What operators want of the nodes of a name: cordoned or drained. No row: in service."""

from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from distributedjob.model.instant import Instant
from distributedjob.store.placing import place
from distributedjob.store.tables import node_order


class Wanted(StrEnum):
    """`cordoned`: claims nothing new. `drained`: also owns no shard, and gives back what has not started."""

    CORDONED = "cordoned"
    DRAINED = "drained"


class Order(NamedTuple):
    name: str
    wanted: Wanted
    reason: str
    ordered_by: str
    ordered_at: Instant


_COLUMNS = [node_order.c[name] for name in Order._fields]


def find_order(connection: Connection, name: str) -> Order | None:
    row = connection.execute(select(*_COLUMNS).where(node_order.c.name == name)).one_or_none()
    return None if row is None else _order(*row)


def list_orders(connection: Connection) -> dict[str, Order]:
    """All orders by the name they are for."""
    return {row.name: _order(*row) for row in connection.execute(select(*_COLUMNS))}


def place_order(connection: Connection, order: Order) -> None:
    values = order._asdict()
    place(connection, node_order, key={"name": values.pop("name")}, values=values)


def lift_order(connection: Connection, name: str) -> bool:
    """Whether there was one."""
    return connection.execute(delete(node_order).where(node_order.c.name == name)).rowcount == 1


def _order(name: str, wanted: str, reason: str, ordered_by: str, ordered_at: Instant) -> Order:
    return Order(name, Wanted(wanted), reason, ordered_by, ordered_at)
