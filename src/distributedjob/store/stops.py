"""The stop switches, as rows. One that has expired is not shown any more, and deleted by and by."""

from sqlalchemy import Connection, Row, delete, or_, select

from distributedjob.model.instant import Instant
from distributedjob.model.stop import Scope, Stop
from distributedjob.store.placing import place
from distributedjob.store.tables import department, stop_switch

_NAMES = ("id", "scope", "subject", "reason", "created_by", "created_at", "expires_at")


def list_stops(connection: Connection, *, now: Instant) -> list[Stop]:
    """Those in force, oldest first."""
    in_force = or_(stop_switch.c.expires_at.is_(None), stop_switch.c.expires_at > now)
    query = select(*(stop_switch.c[name] for name in _NAMES)).where(in_force).order_by(stop_switch.c.id)
    return [_stop(row) for row in connection.execute(query)]


def place_stop(connection: Connection, stop: Stop) -> None:
    """Set it; a switch of the same scope and subject is replaced."""
    key = {"scope": stop.scope.value, "subject": stop.subject}
    values = {name: getattr(stop, name) for name in _NAMES if name not in key}
    place(connection, stop_switch, key=key, values=values)


def lift_stop(connection: Connection, stop_id: int) -> bool:
    """Whether there was one."""
    return connection.execute(delete(stop_switch).where(stop_switch.c.id == stop_id)).rowcount == 1


def delete_expired(connection: Connection, *, before: Instant) -> int:
    return connection.execute(delete(stop_switch).where(stop_switch.c.expires_at < before)).rowcount


def is_department(connection: Connection, department_id: int) -> bool:
    return connection.execute(select(department.c.id).where(department.c.id == department_id)).scalar() is not None


def _stop(row: "Row[tuple[object, ...]]") -> Stop:
    fields = dict(zip(_NAMES, row, strict=True))
    return Stop(**{**fields, "scope": Scope(fields["scope"])})  # type: ignore[arg-type]
