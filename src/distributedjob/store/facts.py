"""What a database says of itself: for the doctor, who judges whether the program can rest on it."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from distributedjob.model.instant import Instant, from_rfc3339
from distributedjob.store.schema import opened
from distributedjob.store.session import wanted_of, wanted_of_mariadb
from distributedjob.store.tables import metadata

SESSION = {name: str(value) for name, value in {**wanted_of(), **wanted_of_mariadb()}.items()}
"""What a connection of ours is to have; MySQL does not know all of it."""

VARIABLES = (
    *("innodb_flush_log_at_trx_commit", "sync_binlog", "log_bin", "read_only", "innodb_read_only", "wsrep_on"),
    *("max_connections", "max_allowed_packet"),
    *SESSION,
)


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """`product` is SQLite, MySQL or MariaDB. `clock_offset`: its clock minus ours, microseconds; 0 for SQLite."""

    product: str
    version: tuple[int, ...]
    version_text: str
    isolation: str
    clock_offset: int
    variables: Mapping[str, str]
    replicates: str = ""
    """The server it is a replica of, as far as this user may know."""
    strange_tables: tuple[str, ...] = ()
    """Tables that are not as they were made."""


def is_read_only(connection: Connection) -> bool:
    """Whether it is a server that takes no writes, even where this user would be allowed some."""
    if connection.dialect.name == "sqlite":
        return False
    values = connection.exec_driver_sql("SELECT @@global.read_only, @@global.innodb_read_only").one()
    return any(is_on(value) for value in values)


def is_on(value: object) -> bool:
    """Whether a variable of the server says yes: 1, ON, or a word for how much."""
    return str(value).upper() not in ("0", "OFF", "NONE", "")


async def read_facts(url: str) -> DatabaseFacts:
    """Raises Invalid for a URL that is none, StoreUnavailable when the database cannot be reached."""
    async with opened(url) as store:
        return await store.read(_facts_of)


def _facts_of(connection: Connection) -> DatabaseFacts:
    if connection.dialect.name == "sqlite":
        version = str(connection.execute(text("SELECT sqlite_version()")).scalar_one())
        return DatabaseFacts("SQLite", _numbers(version), version, "SERIALIZABLE", 0, {})
    version = str(connection.execute(text("SELECT VERSION()")).scalar_one())
    names = ", ".join(f"'{name}'" for name in VARIABLES)
    rows = connection.execute(text(f"SHOW VARIABLES WHERE Variable_name IN ({names})"))
    return DatabaseFacts(
        product="MariaDB" if "mariadb" in version.lower() else "MySQL",
        version=_numbers(version),
        version_text=version,
        isolation=connection.get_isolation_level(),
        clock_offset=_clock_offset(connection),
        variables={str(name).lower(): str(value) for name, value in rows},
        replicates=_source_of(connection),
        strange_tables=_strange_tables(connection),
    )


def _source_of(connection: Connection) -> str:
    """The host it replicates from; empty for a primary, and where this user may not ask."""
    try:
        row = connection.exec_driver_sql("SHOW REPLICA STATUS").mappings().first()
    except DBAPIError:
        return ""
    names = ("Source_Host", "Master_Host")
    return "" if row is None else next((str(row[name]) for name in names if name in row), "another server")


def _strange_tables(connection: Connection) -> tuple[str, ...]:
    made = [f"'{name}'" for name in metadata.tables]
    sql = (
        "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() "  # noqa: S608 - our names
        f"AND table_name IN ({', '.join(made)}) AND (engine <> 'InnoDB' OR table_collation <> 'utf8mb4_bin')"
    )
    return tuple(str(name) for name in connection.exec_driver_sql(sql).scalars())


def _clock_offset(connection: Connection) -> int:
    """Halfway between asking and the answer our clock should show what the server said."""
    asked = _wall()
    said = connection.execute(text("SELECT DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%fZ')")).scalar_one()
    return from_rfc3339(str(said)) - (asked + _wall()) // 2


def _wall() -> Instant:
    return time.time_ns() // 1_000


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
