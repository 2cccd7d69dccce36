"""Levers that were set: values for the whole cluster, changed at run time. No row: the settings' own value."""

from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from distributedjob.model.instant import Instant
from distributedjob.store.placing import place
from distributedjob.store.tables import lever


class LeverRow(NamedTuple):
    name: str
    content: str
    changed_by: str
    changed_at: Instant


_COLUMNS = [lever.c[name] for name in LeverRow._fields]


def find_lever(connection: Connection, name: str) -> LeverRow | None:
    row = connection.execute(select(*_COLUMNS).where(lever.c.name == name)).one_or_none()
    return None if row is None else LeverRow(*row)


def list_levers(connection: Connection) -> dict[str, LeverRow]:
    return {row.name: LeverRow(*row) for row in connection.execute(select(*_COLUMNS))}


def place_lever(connection: Connection, row: LeverRow) -> None:
    values = row._asdict()
    place(connection, lever, key={"name": values.pop("name")}, values=values)


def reset_lever(connection: Connection, name: str) -> None:
    connection.execute(delete(lever).where(lever.c.name == name))
