"""From a database URL to the store that speaks to it."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from distributedjob.model.errors import Invalid
from distributedjob.store.port import TRANSACTION_SECONDS
from distributedjob.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from distributedjob.store.mysql import MysqlStore

DRIVERS = ("sqlite", "mysql", "mysql+asyncmy", "mysql+aiomysql", "mariadb", "mariadb+asyncmy", "mariadb+aiomysql")
FILES = ("ssl_ca", "ssl_cert", "ssl_key")
OPTIONS = (*FILES, "ssl_check_hostname")
"""What a server's URL may say after its `?`. The driver takes more, and refuses what it does not know when it connects,
which would pass for an outage."""


def parse_url(text: str) -> URL:
    """The URL with its driver filled in; raises Invalid naming the setting."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise Invalid.one(
            "database_url", "is not a URL such as mysql://user:password@host:3306/distributedjob"
        ) from None
    if url.drivername not in DRIVERS:
        raise Invalid.one("database_url", f"'{url.drivername}' is not supported; use one of {', '.join(DRIVERS)}")
    if url.drivername in ("mysql", "mariadb"):
        url = url.set(drivername=f"{url.drivername}+asyncmy")
    if not url.database or url.database == ":memory:":
        raise Invalid.one("database_url", "names no database")
    if url.get_backend_name() != "sqlite":
        _check_options(url)
    return url


def _check_options(url: URL) -> None:
    for name, value in url.query.items():
        if name not in OPTIONS:
            raise Invalid.one("database_url", f"takes no option '{name}'; allowed are {', '.join(OPTIONS)}")
        if name in FILES and not Path(str(value)).is_file():
            raise Invalid.one("database_url", f"{name} names no file: {value}")


def open_store(
    url: URL, *, pool_size: int = 10, transaction_timeout: float = TRANSACTION_SECONDS
) -> "SqliteStore | MysqlStore":
    """`pool_size` and `transaction_timeout` are for a server; a file has one writer, and no network in between."""
    if url.get_backend_name() == "sqlite":
        return SqliteStore(str(url.database))
    # Half of the program's import time is this driver's bridge, which SQLite does not need.
    from distributedjob.store.mysql import MysqlStore  # noqa: PLC0415

    return MysqlStore(url, pool_size=pool_size, transaction_timeout=transaction_timeout)
