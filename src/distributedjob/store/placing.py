"""One row in its place, whether or not there was one: for small tables that people write to."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, insert, update
from sqlalchemy.exc import IntegrityError


def place(connection: Connection, table: Table, *, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Update the row with this unique key, or insert it. Of two at once, the later one stands."""
    mine = [table.c[name] == value for name, value in key.items()]
    if connection.execute(update(table).where(*mine).values(**values)).rowcount:
        return
    try:
        connection.execute(insert(table).values(**key, **values))
    except IntegrityError:
        # Another placed it since our update; its row is committed, for our insert waited for it.
        connection.execute(update(table).where(*mine).values(**values))
