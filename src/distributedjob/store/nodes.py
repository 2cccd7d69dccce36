"""The `node` table: which sessions exist, their beats, and who declared whom dead."""

from typing import NamedTuple

from sqlalchemy import Connection, and_, delete, insert, select, update

from distributedjob.model.errors import Conflict
from distributedjob.model.execution import State
from distributedjob.model.identity import NODES
from distributedjob.model.instant import DAY, Instant
from distributedjob.store.tables import execution, installation, node

NUMBER_REST = DAY
"""Node bits are not leased again for this long after their session ended, so no id can be made twice."""


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
    session: int
    beat: int
    roles: str


def register(connection: Connection, row: NodeRow, *, now: Instant) -> int:
    """Insert a session with free node bits; returns them. Registrations wait for each other on one row.

    Asked again, because the first answer was lost, it returns the same.
    """
    connection.execute(select(installation.c.content).where(installation.c.name == "cluster_key").with_for_update())
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
    columns = (node.c.session, node.c.beat, node.c.roles)
    living = (node.c.dead == False, node.c.ended_at.is_(None))  # noqa: E712
    return [LivingNode(*row) for row in connection.execute(select(*columns).where(*living))]


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
    connection.execute(update(node).where(node.c.session == session).values(roles=""))


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
