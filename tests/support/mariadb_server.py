"""A MariaDB of a test's own, which it may kill, freeze, restart or make read-only. Durable at each commit.

The servers that all tests share are in `support.servers`.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pymysql

from support.daemon import HOST, Daemon, DidNotStart
from support.program import pick_free_port
from support.services import home_of

APPLICATION, OPERATOR = "dj", "rig"
_PASSWORD = "dj-loopback-tests"
_INSTALL_SECONDS = 120
_SECONDS = 2.0


class MariadbServer(Daemon):
    """One server with one empty database, `dj_cluster`. It keeps what it stored over kills and restarts.

    The application's user has rights on that database alone, so that it meets a read-only server as any other would;
    the operator's may do everything.
    """

    database = "dj_cluster"

    def __init__(self, folder: Path, *, name: str = "mariadb", settings: Sequence[str] = ()) -> None:
        super().__init__(folder, name=name)
        self.port = pick_free_port()
        self._settings = tuple(settings)

    def url(self, *, port: int | None = None, user: str = APPLICATION) -> str:
        """For the application, through another port if there is a relay."""
        return f"mysql+asyncmy://{user}:{_PASSWORD}@{HOST}:{port or self.port}/{self.database}"

    def execute(self, *statements: str) -> None:
        """Run them as the operator."""
        with self._connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def query(self, statement: str) -> tuple[tuple[Any, ...], ...]:
        """Its rows, as the operator sees them."""
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return tuple(cursor.fetchall())

    def kill_connections(self) -> None:
        """End every connection of the application, whatever it is doing."""
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT id FROM information_schema.processlist WHERE user = '{APPLICATION}'")
            for (number,) in cursor.fetchall():
                with suppress(pymysql.MySQLError):  # it may have ended by itself in between
                    cursor.execute(f"KILL {number}")

    def _connect(self) -> "pymysql.connections.Connection[pymysql.cursors.Cursor]":
        return pymysql.connect(
            host=HOST, port=self.port, user=OPERATOR, password=_PASSWORD, autocommit=True, connect_timeout=10
        )

    def _prepare(self) -> None:
        if self.data.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        ran = subprocess.run(self._install(), capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
        if ran.returncode != 0:
            raise DidNotStart(f"{self.name} made no data folder:\n{ran.stdout[-1000:]}{ran.stderr[-1000:]}")
        self._init_file.write_text(
            f"CREATE DATABASE IF NOT EXISTS {self.database} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;\n"
            f"CREATE USER IF NOT EXISTS '{APPLICATION}'@'%' IDENTIFIED BY '{_PASSWORD}';\n"
            f"GRANT ALL PRIVILEGES ON {self.database}.* TO '{APPLICATION}'@'%';\n"
            f"CREATE USER IF NOT EXISTS '{OPERATOR}'@'%' IDENTIFIED BY '{_PASSWORD}';\n"
            f"GRANT ALL PRIVILEGES ON *.* TO '{OPERATOR}'@'%' WITH GRANT OPTION;\n"
        )

    @property
    def _init_file(self) -> Path:
        return self.folder / "init.sql"

    def _install(self) -> Sequence[str]:
        """What makes the data folder."""
        program = shutil.which("mariadb-install-db", path=f"{home_of('mariadb')}:{os.environ['PATH']}")
        command = [str(program), "--no-defaults", *as_root(), f"--datadir={self.data}", "--skip-test-db"]
        # A MariaDB that starts deletes what others have in a shared folder for temporary tables.
        return [*command, "--auth-root-authentication-method=normal", f"--tmpdir={self.folder}"]

    def _program(self) -> Sequence[str]:
        return [str(home_of("mariadb") / "mariadbd"), "--no-defaults", *as_root()]

    def _command(self) -> Sequence[str]:
        return [
            *(*self._program(), f"--datadir={self.data}"),
            *("--socket=server.sock", f"--pid-file={self.folder / 'server.pid'}", f"--init-file={self._init_file}"),
            *(f"--bind-address={HOST}", f"--port={self.port}", "--skip-name-resolve", "--performance-schema=OFF"),
            *("--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin", "--max-connections=400"),
            *("--transaction-isolation=READ-COMMITTED", "--innodb-flush-log-at-trx-commit=1"),
            *("--innodb-lock-wait-timeout=5", "--innodb-buffer-pool-size=128M", f"--tmpdir={self.folder}"),
            *self._settings,
        ]

    def _is_ready(self) -> bool:
        """The greeting is sent only after the init file has run."""
        with socket.create_connection((HOST, self.port), timeout=_SECONDS) as connection:
            connection.settimeout(_SECONDS)
            return len(connection.recv(5)) == 5


def as_root() -> tuple[str, ...]:
    return ("--user=root",) if os.geteuid() == 0 else ()
