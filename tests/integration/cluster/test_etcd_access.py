"""Who may talk to etcd, and how: what is set wrong is said in one line that names the setting."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from distributedjob.cluster.etcd.address import Credentials, EtcdAddress, Tls, read_tls
from distributedjob.model.errors import Conflict, Invalid
from support.certificates import Certificates, make_certificates
from support.etcd_party import IDENTITY, Party, open_party, shows
from support.etcd_server import EtcdCluster, EtcdUser
from support.program import pick_free_port
from support.waiting import until

PREFIX = "test"
USER = EtcdUser(name="dj", password="quiet-heron-counts-9", prefix=f"{PREFIX}/")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Of another CA."""
    return make_certificates(tmp_path_factory.mktemp("strangers"))


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdCluster]:
    """An etcd with users, without TLS."""
    with EtcdCluster(tmp_path_factory.mktemp("locked"), size=1, user=USER) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[EtcdCluster]:
    """An etcd with TLS that wants a client's certificate."""
    folder = tmp_path_factory.mktemp("encrypted")
    with EtcdCluster(folder, size=1, tls=certificates, client_ca=certificates.ca) as cluster:
        yield cluster


async def knock(address: EtcdAddress, *, prefix: str = PREFIX, identity: str = IDENTITY) -> Party:
    async with open_party(address, prefix=prefix) as party:
        await party.knock(identity=identity)
    return party


def tls_of(certificates: Certificates) -> Tls:
    return read_tls(certificates.ca, certificate=certificates.client, key=certificates.client_key)


async def test_with_user_and_password_a_session_registers(locked: EtcdCluster) -> None:
    address = EtcdAddress(endpoints=locked.endpoints, credentials=Credentials(USER.name, USER.password))
    async with open_party(address, prefix=PREFIX) as party:
        guest = await party.invite()
        await until(shows(guest, 1))


async def test_an_expired_login_is_renewed(locked: EtcdCluster) -> None:
    address = EtcdAddress(endpoints=locked.endpoints, credentials=Credentials(USER.name, USER.password))
    async with open_party(address, prefix=PREFIX) as party:
        guest = await party.knock()
        guest.link._client._token = "expired.1"
        guest.enrol()
        await until(shows(guest, 1))
    assert guest.heard.refused == []


async def test_a_wrong_password_is_refused(locked: EtcdCluster) -> None:
    address = EtcdAddress(endpoints=locked.endpoints, credentials=Credentials(USER.name, "wrong"))
    with pytest.raises(Invalid, match=r"^etcd_password: etcd refuses user 'dj' with this password$"):
        await knock(address)


async def test_without_a_user_where_one_is_asked_for_it_is_refused(locked: EtcdCluster) -> None:
    with pytest.raises(Invalid, match=r"^etcd_user: etcd asks for a user; set etcd_user and etcd_password$"):
        await knock(EtcdAddress(endpoints=locked.endpoints))


async def test_a_prefix_the_user_may_not_touch_is_refused(locked: EtcdCluster) -> None:
    address = EtcdAddress(endpoints=locked.endpoints, credentials=Credentials(USER.name, USER.password))
    with pytest.raises(Invalid, match=r"^etcd_user: etcd does not let user 'dj' read and write below etcd_prefix$"):
        await knock(address, prefix="elsewhere")


async def test_a_user_where_nobody_asks_for_one_is_no_fault(etcd_endpoints: tuple[str, ...], etcd_prefix: str) -> None:
    address = EtcdAddress(endpoints=etcd_endpoints, credentials=Credentials("dj", "any"))
    async with open_party(address, prefix=etcd_prefix) as party:
        guest = await party.invite()
        await until(shows(guest, 1))


async def test_with_certificates_on_both_sides_a_session_registers(
    encrypted: EtcdCluster, certificates: Certificates
) -> None:
    async with open_party(EtcdAddress(endpoints=encrypted.endpoints, tls=tls_of(certificates)), prefix=PREFIX) as party:
        guest = await party.invite()
        await until(shows(guest, 1))


async def test_plain_text_to_a_tls_port_is_refused(encrypted: EtcdCluster) -> None:
    with pytest.raises(Invalid, match=r"^etcd_ca: .* speaks TLS; set it to the CA of etcd's certificates$"):
        await knock(EtcdAddress(endpoints=encrypted.endpoints))


async def test_tls_to_a_plain_port_is_refused(etcd_endpoints: tuple[str, ...], certificates: Certificates) -> None:
    with pytest.raises(Invalid, match=r"^etcd_ca: .* speaks no TLS; unset it, or turn TLS on in etcd$"):
        await knock(EtcdAddress(endpoints=etcd_endpoints, tls=tls_of(certificates)))


async def test_another_ca_is_refused(encrypted: EtcdCluster, strangers: Certificates) -> None:
    with pytest.raises(Invalid, match=r"^etcd_ca: the certificate of .* is not signed by this CA$"):
        await knock(EtcdAddress(endpoints=encrypted.endpoints, tls=tls_of(strangers)))


async def test_a_name_that_the_certificate_does_not_have_is_refused(certificates: Certificates) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server_pair)
    port = pick_free_port()
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.2", port, ssl=context):
        with pytest.raises(Invalid, match=r"^etcd_endpoints: the certificate of 127.0.0.2:.* is not for '127.0.0.2'$"):
            await knock(EtcdAddress(endpoints=(f"127.0.0.2:{port}",), tls=tls_of(certificates)))


@pytest.mark.parametrize("shown", ["none", "strange"])
async def test_a_missing_or_unknown_client_certificate_is_refused(
    encrypted: EtcdCluster, certificates: Certificates, strangers: Certificates, shown: str
) -> None:
    pair = (None, None) if shown == "none" else (strangers.client, strangers.client_key)
    tls = read_tls(certificates.ca, certificate=pair[0], key=pair[1])
    with pytest.raises(Invalid, match=r"^etcd_certificate: .* wants a client's certificate that it trusts"):
        await knock(EtcdAddress(endpoints=encrypted.endpoints, tls=tls))


def test_files_that_make_no_sense_name_their_setting(certificates: Certificates, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    with pytest.raises(Invalid, match=r"^etcd_ca: .*empty.pem holds no certificate"):
        read_tls(tmp_path / "empty.pem", certificate=None, key=None)
    with pytest.raises(Invalid, match=r"^etcd_ca: .* cannot be read: No such file"):
        read_tls(tmp_path / "missing.pem", certificate=None, key=None)
    with pytest.raises(Invalid, match=r"^etcd_key: .* are no pair"):
        read_tls(certificates.ca, certificate=certificates.client, key=certificates.server_key)


async def test_a_prefix_belongs_to_one_cluster(party: Party) -> None:
    await party.knock()
    await party.knock()
    with pytest.raises(Conflict, match=rf"^etcd_prefix: '{party.prefix}' belongs to another cluster.*set etcd_prefix"):
        await party.knock(identity="another")


async def test_a_member_that_accepts_and_says_nothing_is_away_soon() -> None:
    with socket.create_server(("127.0.0.1", pick_free_port())) as silent:
        address = EtcdAddress(endpoints=(f"127.0.0.1:{silent.getsockname()[1]}",))
        began = time.monotonic()
        async with open_party(address, prefix=PREFIX) as party:
            guest = await party.knock()
        assert (len(guest.heard.away), time.monotonic() - began < 8) == (1, True)


async def test_nothing_is_left_running_when_the_link_is_closed(
    etcd_endpoints: tuple[str, ...], etcd_prefix: str
) -> None:
    async with open_party(EtcdAddress(endpoints=etcd_endpoints), prefix=etcd_prefix) as party:
        guest = await party.invite()
        await until(shows(guest, 1))
    assert "etcd" not in [thread.name for thread in threading.enumerate()]
