"""Redis for tests: the shared one (`redis_url`), and servers of a test's own (`redis_server`, `RedisServer`)."""

import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.certificates import Certificates
from support.daemon import HOST, Daemon
from support.program import pick_free_port
from support.services import home_of, start_shared

_PASSWORD = "redis-tests-alone"
_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisUser:
    """A user beside `default`, who is then switched off. `rules` are those of Redis' ACL."""

    name: str
    password: str
    rules: tuple[str, ...] = ("~*", "&*", "+@all")


class RedisServer(Daemon):
    """A Redis without persistence: each start is empty.

    It asks for a password, or for `user`; with `tls` it speaks nothing else, and asks clients for no certificate.
    `settings` are further words of its command line, such as `("--maxmemory", "2mb")`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        user: RedisUser | None = None,
        tls: Certificates | None = None,
        settings: tuple[str, ...] = (),
    ) -> None:
        super().__init__(folder, name="redis")
        self.port = pick_free_port()
        self._name = user.name if user else ""
        self._password = user.password if user else _PASSWORD
        self._user = user
        self._tls = tls
        self._settings = settings

    @property
    def url(self) -> str:
        scheme = "rediss" if self._tls else "redis"
        return f"{scheme}://{self._name}:{self._password}@{HOST}:{self.port}/0"

    def _command(self) -> Sequence[str]:
        program = str(home_of("redis") / "redis-server")
        base = ("--dir", str(self.data), "--bind", HOST, "--save", "", "--appendonly", "no")
        return [program, *base, *self._listener(), *self._access(), *self._settings]

    def _listener(self) -> tuple[str, ...]:
        if self._tls is None:
            return ("--port", str(self.port))
        files = (
            *("--tls-cert-file", str(self._tls.server), "--tls-key-file", str(self._tls.server_key)),
            *("--tls-ca-cert-file", str(self._tls.ca), "--tls-auth-clients", "no"),
        )
        return ("--port", "0", "--tls-port", str(self.port), *files)

    def _access(self) -> tuple[str, ...]:
        if self._user is None:
            return ("--requirepass", self._password)
        rules = ("on", f">{self._password}", *self._user.rules)
        return ("--user", "default", "off", "--user", self._name, *rules)

    def _is_ready(self) -> bool:
        with self._connect() as connection:
            connection.sendall(f"AUTH {self._name or 'default'} {self._password}\r\n".encode())
            return connection.recv(64).startswith(b"+OK")

    def _connect(self) -> socket.socket:
        connection = socket.create_connection((HOST, self.port), timeout=_SECONDS)
        if self._tls is None:
            return connection
        context = ssl.create_default_context(cafile=str(self._tls.ca))
        return context.wrap_socket(connection, server_hostname=HOST)


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The Redis that all tests share: use keys and channels under a prefix of your own."""
    return start_shared("redis")


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of the test's own, running, which it may kill."""
    with RedisServer(tmp_path / "redis") as server:
        yield server
