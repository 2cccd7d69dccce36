"""Running rows, as their holder and the rescuer look at them."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, or_, select

from distributedjob.model.execution import FIRST_TERMINAL, State
from distributedjob.model.instant import Instant
from distributedjob.store.tables import execution, node


class HeldRow(NamedTuple):
    """A row that the database says a session is running."""

    id: int
    fence: int
    marked: bool
    task_id: int
    department_id: int
    queue: str
    attempt: int
    claimed_at: Instant

    @property
    def claim(self) -> tuple[int, int]:
        """(execution id, fence)."""
        return self.id, self.fence


class LostRow(NamedTuple):
    """A running row whose holder is dead, ended or forgotten."""

    id: int
    task_id: int
    department_id: int
    revision: int
    queue: str
    holder: int
    fence: int
    attempt: int
    marked: bool
    cancel_asked: bool
    flags: int
    started_at: Instant
    claimed_at: Instant


RUNNING = (execution.c.state == State.RUNNING, execution.c.state < FIRST_TERMINAL)


def list_held(connection: Connection, session: int) -> list[HeldRow]:
    columns = [execution.c[name] for name in HeldRow._fields]
    query = select(*columns).where(*RUNNING, execution.c.holder == session)
    return [HeldRow(*row) for row in connection.execute(query)]


def list_cancel_asked(connection: Connection) -> list[tuple[int, int, int]]:
    """(id, fence, holder) of running executions that were asked to stop."""
    columns = (execution.c.id, execution.c.fence, execution.c.holder)
    query = select(*columns).where(*RUNNING, execution.c.cancel_asked == True)  # noqa: E712
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def list_lost(connection: Connection, *, limit: int) -> list[LostRow]:
    columns = [execution.c[name] for name in LostRow._fields]
    gone = or_(node.c.session.is_(None), node.c.dead == True, node.c.ended_at.is_not(None))  # noqa: E712
    query = select(*columns).outerjoin(node, node.c.session == execution.c.holder).where(*RUNNING, gone).limit(limit)
    return [LostRow(*row) for row in connection.execute(query)]


def lock_lost(connection: Connection, lost: Sequence[LostRow]) -> list[LostRow]:
    """These rows as they stand under their locks, without those that moved on since they were found."""
    found = {(row.id, row.holder, row.fence) for row in lost}
    columns = [execution.c[name] for name in LostRow._fields]
    query = select(*columns, execution.c.state).where(execution.c.id.in_([row.id for row in lost]))
    rows = connection.execute(query.order_by(execution.c.id).with_for_update())
    running = (LostRow(*row[:-1]) for row in rows if row.state == State.RUNNING)
    return [row for row in running if (row.id, row.holder, row.fence) in found]


def list_running(connection: Connection, ids: list[int]) -> list[LostRow]:
    """These executions, if they are running, whoever holds them."""
    columns = [execution.c[name] for name in LostRow._fields]
    return [LostRow(*row) for row in connection.execute(select(*columns).where(*RUNNING, execution.c.id.in_(ids)))]


def find_oldest_pending(connection: Connection) -> Instant | None:
    """The earliest `not_before` of the pending executions; answered by the `live` index alone."""
    pending = (execution.c.state == State.PENDING, execution.c.state < FIRST_TERMINAL)
    return connection.execute(select(func.min(execution.c.not_before)).where(*pending)).scalar()
