"""TLS to the database: asked for by naming the CA of the server's certificate, and never given up for less."""

from pathlib import Path

import pytest
from sqlalchemy import Connection

from distributedjob.store.errors import StoreUnavailable
from distributedjob.store.mysql import MysqlStore
from distributedjob.store.open import parse_url
from support.certificates import make_certificates
from support.servers import DatabaseServer


def cipher(connection: Connection) -> str:
    return str(connection.exec_driver_sql("SHOW STATUS LIKE 'Ssl_cipher'").one()[1])


@pytest.fixture
def own_ca(mysql_server: DatabaseServer) -> Path:
    """MySQL makes itself a certificate, for no name, and the CA that signed it."""
    with mysql_server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@datadir")
        row = cursor.fetchone()
    assert row is not None
    return Path(str(row[0])) / "ca.pem"


async def test_a_connection_is_encrypted_where_the_url_names_a_ca(mysql_url: str, own_ca: Path) -> None:
    store = MysqlStore(parse_url(f"{mysql_url}?ssl_ca={own_ca}&ssl_check_hostname=false"), pool_size=1)
    try:
        assert "TLS" in await store.read(cipher)
    finally:
        await store.close()


async def test_a_certificate_for_another_name_is_refused(mysql_url: str, own_ca: Path) -> None:
    store = MysqlStore(parse_url(f"{mysql_url}?ssl_ca={own_ca}"), pool_size=1)
    try:
        with pytest.raises(StoreUnavailable, match="certificate is not valid for"):
            await store.read(cipher)
    finally:
        await store.close()


async def test_a_certificate_of_another_ca_is_refused(mysql_url: str, tmp_path: Path) -> None:
    stranger = make_certificates(tmp_path).ca
    store = MysqlStore(parse_url(f"{mysql_url}?ssl_ca={stranger}&ssl_check_hostname=false"), pool_size=1)
    try:
        with pytest.raises(StoreUnavailable, match="certificate verify failed"):
            await store.read(cipher)
    finally:
        await store.close()


async def test_a_server_without_tls_is_refused(mariadb_url: str, tmp_path: Path) -> None:
    ca = make_certificates(tmp_path).ca
    store = MysqlStore(parse_url(f"{mariadb_url}?ssl_ca={ca}"), pool_size=1)
    try:
        with pytest.raises(StoreUnavailable):
            assert await store.read(cipher)
    finally:
        await store.close()
