"""Parameters that a run by hand brings along."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec
from sqlalchemy import Connection, insert, select

from distributedjob.store.tables import execution_parameters


def insert_parameters(connection: Connection, *, execution_id: int, parameters: Mapping[str, object]) -> None:
    document = msgspec.json.encode(parameters).decode()
    connection.execute(insert(execution_parameters).values(execution_id=execution_id, parameters=document))


def find_parameters(connection: Connection, execution_id: int) -> dict[str, Any]:
    """The parameters of an execution; empty when it has none of its own."""
    query = select(execution_parameters.c.parameters).where(execution_parameters.c.execution_id == execution_id)
    document = connection.execute(query).scalar_one_or_none()
    return {} if document is None else cast("dict[str, Any]", msgspec.json.decode(document))
