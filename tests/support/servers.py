"""Real databases for tests: one server per checkout, one fresh database per test or per module.

The servers come from `scripts/services`, which starts them on first use and is safe to call from several test
processes at once. A URL handed out here names an empty database that nobody else uses and that is dropped at the end.
MariaDB is required. MySQL 9 cannot be had on every machine: there, its tests skip with a reason that starts with
`MYSQL_MISSING`, and the run's summary says so in one line.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pymysql
import pytest

from support.services import UNAVAILABLE, run_services

MYSQL_MISSING = "MySQL 9 cannot be had here"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseServer:
    """A running server; `user` may create and drop databases whose names begin with `dj_`."""

    name: str
    user: str
    password: str
    host: str
    port: int

    def url(self, database: str, *, driver: str = "asyncmy") -> str:
        return f"mysql+{driver}://{self.user}:{self.password}@{self.host}:{self.port}/{database}"

    def connect(self) -> "pymysql.connections.Connection[pymysql.cursors.Cursor]":
        """A blocking connection for set-up and for looking at the server from outside the program."""
        return pymysql.connect(
            host=self.host, port=self.port, user=self.user, password=self.password, autocommit=True, connect_timeout=10
        )


def start_server(name: str) -> DatabaseServer:
    """Start `mariadb` or `mysql` unless it runs already. Skips the test where MySQL cannot be had."""
    started = run_services("up", name)
    if started.returncode == UNAVAILABLE:
        pytest.skip(f"{MYSQL_MISSING}: {started.stderr.strip().splitlines()[-1]}")
    if started.returncode != 0:
        pytest.fail(f"scripts/services up {name}: {started.stderr.strip()}", pytrace=False)
    credentials, _, address = run_services("url", name).stdout.strip().rpartition("@")
    user, _, password = credentials.partition(":")
    host, _, port = address.rpartition(":")
    return DatabaseServer(name=name, user=user, password=password, host=host, port=int(port))


@contextmanager
def open_database(server: DatabaseServer) -> Iterator[str]:
    """Create an empty database, give its name, and drop it with whatever connections it still has."""
    name = f"dj_{secrets.token_hex(6)}"
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    try:
        yield name
    finally:
        with server.connect() as connection, connection.cursor() as cursor:
            _drop(name, cursor=cursor)


def _drop(name: str, *, cursor: pymysql.cursors.Cursor) -> None:
    # A connection that a killed program left in a transaction would hold the drop back by its metadata lock.
    cursor.execute("SET lock_wait_timeout = 20")
    cursor.execute("SELECT id FROM information_schema.processlist WHERE db = %s", (name,))
    for (thread,) in cursor.fetchall():
        try:
            cursor.execute(f"KILL {thread}")
        except pymysql.MySQLError:
            continue  # it ended by itself in between
    cursor.execute(f"DROP DATABASE {name}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line what this machine could not test."""
    missing = [report for report in terminalreporter.getreports("skipped") if MYSQL_MISSING in str(report.longrepr)]
    if missing:
        terminalreporter.write_line(f"{MYSQL_MISSING}: {len(missing)} tests on it were skipped; MariaDB was tested")


@pytest.fixture(scope="session")
def mariadb_server() -> DatabaseServer:
    return start_server("mariadb")


@pytest.fixture(scope="session")
def mysql_server() -> DatabaseServer:
    return start_server("mysql")


@pytest.fixture
def mariadb_url(mariadb_server: DatabaseServer) -> Iterator[str]:
    with open_database(mariadb_server) as name:
        yield mariadb_server.url(name)


@pytest.fixture
def mysql_url(mysql_server: DatabaseServer) -> Iterator[str]:
    with open_database(mysql_server) as name:
        yield mysql_server.url(name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'distributedjob.db'}"


@pytest.fixture(params=["sqlite", "mariadb", "mysql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The same test once per database: for the store's contract suite and for whatever must hold on all of them."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="module")
def module_mariadb_url(mariadb_server: DatabaseServer) -> Iterator[str]:
    """One database for all tests of a module: for tests that share one expensive set-up and only read or add."""
    with open_database(mariadb_server) as name:
        yield mariadb_server.url(name)


@pytest.fixture(scope="module")
def module_mysql_url(mysql_server: DatabaseServer) -> Iterator[str]:
    with open_database(mysql_server) as name:
        yield mysql_server.url(name)


@pytest.fixture(scope="module", params=["sqlite", "mariadb", "mysql"])
def module_database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'distributedjob.db'}"
    url: str = request.getfixturevalue(f"module_{request.param}_url")
    return url
