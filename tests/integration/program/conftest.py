"""A program on MariaDB whose way to the database leads through a proxy."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from distributedjob.store import schema
from distributedjob.store.open import parse_url
from rig.proxy import Proxy
from support.program import Program, pick_free_port
from support.servers import DatabaseServer


@pytest.fixture
async def proxy(mariadb_server: DatabaseServer) -> AsyncIterator[Proxy]:
    proxy = Proxy(host=mariadb_server.host, upstream=mariadb_server.port)
    await proxy.start()
    yield proxy
    await proxy.close()


@pytest.fixture
async def behind(proxy: Proxy, mariadb_url: str, tmp_path: Path) -> AsyncIterator[Program]:
    await schema.upgrade(mariadb_url)
    url = parse_url(mariadb_url).set(port=proxy.port, drivername="mysql").render_as_string(hide_password=False)
    settings = {"DISTRIBUTEDJOB_DATABASE_URL": url, "DISTRIBUTEDJOB_ALLOW_PRIVATE_TARGETS": "true"}
    program = Program(tmp_path / "node", port=pick_free_port(), settings=settings)
    yield program
    program.close()
