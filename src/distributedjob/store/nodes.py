"""The `node` table: which sessions exist, their beats, and who declared whom dead."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, and_, case, delete, func, insert, or_, select, update

from distributedjob.model.errors import Conflict
from distributedjob.model.execution import FIRST_TERMINAL, State
from distributedjob.model.identity import NODES
from distributedjob.model.instant import DAY, Instant
from distributedjob.store.installation import CLUSTER_KEY
from distributedjob.store.orders import Wanted
from distributedjob.store.tables import execution, installation, node, node_order

NUMBER_REST = DAY
"""Node bits are not leased again for this long after their session ended, so no id can be made twice."""


LIVING = (node.c.dead == False, node.c.ended_at.is_(None))  # noqa: E712


class NodeRow(NamedTuple):
    session: int
    number: int
    name: str
    pid: int
    version: str
    roles: str
    queues: str
    labels: str
    slots: int


class LivingNode(NamedTuple):
    """`roles` are those it plays now: none while it leaves or is drained. `wanted`: an order
    of an operator that holds for its name."""

    session: int
    beat: int
    roles: str
    name: str
    version: str
    queues: str
    wanted: str | None


class ServingNode(NamedTuple):
    """A living worker. `takes_work`: it is under no order."""

    queues: tuple[str, ...]
    slots: int
    takes_work: bool


class KnownNode(NamedTuple):
    """A session as lists show it, alive or not."""

    session: int
    name: str
    version: str
    roles: str
    queues: str
    labels: str
    slots: int
    started_at: Instant
    leaving: bool
    dead: bool
    ended_at: Instant | None


def register(connection: Connection, row: NodeRow, *, now: Instant) -> int:
    """Insert a session with free node bits; returns them. Registrations wait for each other on one row.

    Asked again, because the first answer was lost, it returns the same.
    """
    connection.execute(select(installation.c.content).where(installation.c.name == CLUSTER_KEY).with_for_update())
    known = connection.execute(select(node.c.number).where(node.c.session == row.session)).scalar()
    if known is not None:
        return int(known)
    number = _free_number(connection, now)
    values = {**row._asdict(), "number": number}
    connection.execute(insert(node).values(**values, beat=1, started_at=now))
    return number


def _free_number(connection: Connection, now: Instant) -> int:
    """Bits that nobody has, and nobody had of late; else those that have rested longest: should two ids meet all the
    same, the later insert is refused, and tried again under another."""
    ends = connection.execute(select(node.c.number, node.c.ended_at))
    rested: dict[int, Instant | None] = dict.fromkeys(range(NODES), 0)
    for number, ended_at in ends:
        last = rested[number]
        rested[number] = None if ended_at is None or last is None else max(last, ended_at)
    free = {number: ended_at for number, ended_at in rested.items() if ended_at is not None}
    if not free:
        raise Conflict(f"{NODES} nodes are registered; there is no number for another", code="too_many_nodes")
    first = next((number for number, ended_at in free.items() if ended_at <= now - NUMBER_REST), None)
    return min(free, key=lambda number: free[number]) if first is None else first


def beat(connection: Connection, session: int) -> bool:
    """Count one beat; False when the session was declared dead or ended."""
    mine = (node.c.session == session, node.c.dead == False, node.c.ended_at.is_(None))  # noqa: E712
    return connection.execute(update(node).where(*mine).values(beat=node.c.beat + 1)).rowcount == 1


def list_living(connection: Connection) -> list[LivingNode]:
    out = or_(node.c.leaving == True, node_order.c.wanted == Wanted.DRAINED)  # noqa: E712
    roles = case((out, ""), else_=node.c.roles)
    columns = (node.c.session, node.c.beat, roles, node.c.name, node.c.version, node.c.queues, node_order.c.wanted)
    ordered = node.outerjoin(node_order, node_order.c.name == node.c.name)
    return [LivingNode(*row) for row in connection.execute(select(*columns).select_from(ordered).where(*LIVING))]


def list_known(connection: Connection, *, ended_after: Instant) -> list[KnownNode]:
    """The living, and those that ended after an instant; the newest first."""
    columns = [node.c[name] for name in KnownNode._fields]
    shown = or_(node.c.ended_at.is_(None), node.c.ended_at > ended_after)
    query = select(*columns).where(shown, node.c.roles != "").order_by(node.c.started_at.desc())
    return [KnownNode(*row) for row in connection.execute(query)]


def list_serving(connection: Connection) -> list[ServingNode]:
    """The living workers; those that leave are none any more."""
    ordered = node.outerjoin(node_order, node_order.c.name == node.c.name)
    columns = (node.c.queues, node.c.slots, node_order.c.wanted.is_(None))
    query = select(*columns).select_from(ordered).where(*LIVING, node.c.leaving == False, node.c.queues != "")  # noqa: E712
    return [ServingNode(tuple(row[0].split(",")), row[1], bool(row[2])) for row in connection.execute(query)]


def is_known(connection: Connection, name: str) -> bool:
    """Whether a node of this name is, or was of late."""
    found = select(node.c.session).where(node.c.name == name, node.c.roles != "").limit(1)
    return connection.execute(found).scalar() is not None


def count_held(connection: Connection, sessions: Sequence[int]) -> dict[int, int]:
    """session → how many executions it runs."""
    running = (execution.c.state == State.RUNNING, execution.c.state < FIRST_TERMINAL)
    query = select(execution.c.holder, func.count()).where(*running, execution.c.holder.in_(sessions))
    return {row[0]: row[1] for row in connection.execute(query.group_by(execution.c.holder))}


def declare_dead(connection: Connection, *, session: int, seen_beat: int, now: Instant) -> bool:
    """Declare a session dead unless it beat in between, so judge and victim cannot both win."""
    still = (node.c.session == session, node.c.beat == seen_beat, node.c.dead == False)  # noqa: E712
    return connection.execute(update(node).where(*still).values(dead=True, ended_at=now)).rowcount == 1


def declare_others_dead(connection: Connection, *, except_session: int, now: Instant) -> int:
    """For a database that one process owns: whoever else is written down as alive is not."""
    others = (node.c.session != except_session, node.c.ended_at.is_(None))
    return connection.execute(update(node).where(*others).values(dead=True, ended_at=now)).rowcount


def leave(connection: Connection, *, session: int) -> None:
    """Give up all roles while the session goes on: it ends its calls, but owns nothing and claims nothing."""
    connection.execute(update(node).where(node.c.session == session).values(leaving=True))


def end_session(connection: Connection, *, session: int, now: Instant) -> None:
    ended = and_(node.c.session == session, node.c.ended_at.is_(None))
    connection.execute(update(node).where(ended).values(ended_at=now))


def delete_old(connection: Connection, *, ended_before: Instant) -> int:
    """Forget sessions that ended long ago and that no running execution names."""
    held = select(execution.c.id).where(execution.c.state == State.RUNNING, execution.c.holder == node.c.session)
    old = (node.c.ended_at < ended_before, ~held.exists())
    return connection.execute(delete(node).where(*old)).rowcount


def utc_now(connection: Connection) -> Instant:
    """The database server's clock, microseconds since the epoch (MySQL and MariaDB)."""
    sql = "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6))"
    return int(connection.exec_driver_sql(sql).scalar_one())
