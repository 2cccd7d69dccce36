"""What exists once per installation: its keys and its first department.

Made by insert-if-absent, so that any number of nodes that start at once agree on one.
"""

import contextlib
import secrets
from collections.abc import Mapping

from sqlalchemy import Connection, Table, insert, select, update
from sqlalchemy.exc import IntegrityError

from distributedjob.model.identity import ROOT_DEPARTMENT
from distributedjob.store.placing import place
from distributedjob.store.tables import department, installation

CLUSTER_KEY = "cluster_key"
TOKEN_KEY = "token_key"  # noqa: S105 - the name of a row
CACHE_KEY = "cache_key"
ZONE_DATA = "zone_data"
OLDEST_PROGRAM = "oldest_program"
KEY_BYTES = 32
ROOT_NAME = "root"


def ensure_key(connection: Connection, name: str) -> bytes:
    """The key of this name, made now if there is none yet. 32 random bytes."""
    wanted = select(installation.c.content).where(installation.c.name == name)
    found = connection.execute(wanted).scalar()
    if found is None:
        fresh = {"name": name, "content": secrets.token_bytes(KEY_BYTES)}
        _insert_if_absent(connection, installation, fresh)
        found = connection.execute(wanted).scalar_one()
    return bytes(found)


def renew_key(connection: Connection, name: str) -> None:
    """Another key of this name, for nodes that start from now on."""
    ensure_key(connection, name)
    row = update(installation).where(installation.c.name == name)
    connection.execute(row.values(content=secrets.token_bytes(KEY_BYTES)))


def note_zone_data(connection: Connection, release: str) -> str:
    """The release of the zone data that cursors were computed with; `release` itself on the first start."""
    wanted = select(installation.c.content).where(installation.c.name == ZONE_DATA)
    found = connection.execute(wanted).scalar()
    if found is None:
        _insert_if_absent(connection, installation, {"name": ZONE_DATA, "content": release.encode()})
        found = connection.execute(wanted).scalar_one()
    return bytes(found).decode()


def set_zone_data(connection: Connection, release: str) -> None:
    row = update(installation).where(installation.c.name == ZONE_DATA)
    connection.execute(row.values(content=release.encode()))


def find_oldest_program(connection: Connection) -> str | None:
    """The oldest version of the program that may work on this schema, as the last upgrade noted it."""
    found = connection.execute(select(installation.c.content).where(installation.c.name == OLDEST_PROGRAM)).scalar()
    return None if found is None else bytes(found).decode()


def note_oldest_program(connection: Connection, version: str) -> None:
    place(connection, installation, key={"name": OLDEST_PROGRAM}, values={"content": version.encode()})


def ensure_root_department(connection: Connection) -> None:
    known = connection.execute(select(department.c.id).where(department.c.id == ROOT_DEPARTMENT)).scalar()
    if known is None:
        _insert_if_absent(connection, department, {"id": ROOT_DEPARTMENT, "parent_id": None, "name": ROOT_NAME})


def _insert_if_absent(connection: Connection, table: Table, row: Mapping[str, object]) -> None:
    # A duplicate is another node's row, committed by now: its insert held ours back until then.
    with contextlib.suppress(IntegrityError):
        connection.execute(insert(table), row)
