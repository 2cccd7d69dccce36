"""A MySQL 9 of a test's own, which it may kill, freeze, restart or make read-only. Durable at each commit."""

from collections.abc import Sequence
from pathlib import Path

from support.mariadb_server import MariadbServer, as_root
from support.services import home_of


class MysqlServer(MariadbServer):
    """As `MariadbServer`, with the same users and the same database."""

    def __init__(self, folder: Path, *, settings: Sequence[str] = ()) -> None:
        super().__init__(folder, name="mysql", settings=settings)

    def _install(self) -> Sequence[str]:
        return [*self._program(), f"--datadir={self.data}", "--initialize-insecure"]

    def _program(self) -> Sequence[str]:
        """Its own libc comes with it: see scripts/servers/mysql.sh."""
        root = home_of("mysql")
        libraries = root / "usr/lib/x86_64-linux-gnu"
        loader = (str(libraries / "ld-linux-x86-64.so.2"), "--library-path", str(libraries))
        server = (str(root / "usr/sbin/mysqld"), "--no-defaults", *as_root())
        places = (f"--basedir={root}/usr", f"--lc-messages-dir={root}/usr/share/mysql", "--secure-file-priv=NULL")
        return [*loader, *server, *places, "--mysqlx=OFF", "--skip-log-bin"]
