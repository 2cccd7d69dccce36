"""TLS to targets: who is trusted, which name is checked, and that identities never share a connection."""

import pytest

from distributedjob.model.outcome import Answered, NotSent
from distributedjob.model.target import HttpMethod, HttpTarget, Tls
from distributedjob.targets.http import Line

from .certificates import Authority
from .conftest import OK, answer_all, hang


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


async def loopback(host, port):
    return ("127.0.0.1",)


def target(wire, *, host="127.0.0.1", tls=None):
    return HttpTarget(f"https://{host}:{wire.port}/", HttpMethod.GET, tls=tls or Tls())


async def test_a_certificate_of_the_targets_own_authority_is_trusted(serve, client, authority):
    wire = await serve(answer_all, tls=authority.server("127.0.0.1"))

    outcomes = [await client.call(target(wire, tls=Tls(ca=authority.pem))) for _ in range(2)]

    assert [outcome.accepted for outcome in outcomes] == [True, True]
    assert wire.connections == 1


async def test_an_unknown_authority_is_not_trusted(serve, client, authority):
    wire = await serve(answer_all, tls=authority.server("127.0.0.1"))

    outcome = await client.call(target(wire))

    assert (type(outcome), outcome.reason) == (NotSent, "tls_failed")
    assert "certificate is not trusted" in outcome.message


async def test_verification_can_be_turned_off(serve, client, authority):
    wire = await serve(answer_all, tls=authority.server("elsewhere.example"))

    outcome = await client.call(target(wire, tls=Tls(verify=False)))

    assert outcome.accepted


async def test_a_certificate_for_another_name_is_refused(serve, open_client, authority):
    wire = await serve(answer_all, tls=authority.server("other.example"))

    outcome = await open_client(lookup=loopback).call(target(wire, host="a.example", tls=Tls(ca=authority.pem)))

    assert (type(outcome), outcome.reason) == (NotSent, "tls_failed")


async def test_an_expired_certificate_is_refused(serve, client, authority):
    wire = await serve(answer_all, tls=authority.server("127.0.0.1", days=-1))

    outcome = await client.call(target(wire, tls=Tls(ca=authority.pem)))

    assert (type(outcome), outcome.reason) == (NotSent, "tls_failed")


async def test_name_and_host_stay_while_the_judged_address_is_connected_to(serve, open_client, authority):
    names = []
    context = authority.server("a.example")
    context.sni_callback = lambda _, name, __: names.append(name)
    wire = await serve(answer_all, tls=context)

    outcome = await open_client(lookup=loopback).call(target(wire, host="a.example", tls=Tls(ca=authority.pem)))

    assert outcome.accepted
    assert names == ["a.example"]
    assert f"Host: a.example:{wire.port}\r\n".encode() in wire.requests[0]


async def test_a_connection_opened_without_verification_is_never_used_with_it(serve, client, authority):
    wire = await serve(answer_all, tls=authority.server("127.0.0.1"))

    careless = await client.call(target(wire, tls=Tls(verify=False)))
    careful = await client.call(target(wire))

    assert (type(careless), type(careful)) == (Answered, NotSent)


async def test_two_authorities_never_share_a_connection(serve, client, authority, tmp_path_factory):
    other = Authority(tmp_path_factory.mktemp("other"))
    wire = await serve(answer_all, tls=authority.server("127.0.0.1"))

    trusted = await client.call(target(wire, tls=Tls(ca=authority.pem)))
    untrusted = await client.call(target(wire, tls=Tls(ca=other.pem)))

    assert (type(trusted), type(untrusted)) == (Answered, NotSent)


async def test_a_plain_server_behind_https_is_a_tls_failure(serve, client):
    async def speak_first(visit):
        await visit.send(OK)

    wire = await serve(speak_first)

    outcome = await client.call(target(wire, tls=Tls(verify=False)))

    assert (type(outcome), outcome.reason) == (NotSent, "tls_failed")


async def test_a_connection_closed_in_the_handshake_is_a_tls_failure(serve, client):
    async def close(visit):
        await visit.reader.read(10)

    wire = await serve(close)

    outcome = await client.call(target(wire))

    assert (type(outcome), outcome.reason) == (NotSent, "tls_failed")


async def test_a_handshake_that_hangs_ends_by_the_connect_timeout(serve, client):
    async def silent(visit):
        await visit.until_closed()

    wire = await serve(silent)

    outcome = await client.call(target(wire), connect_timeout=0.2)

    assert (type(outcome), outcome.reason) == (NotSent, "connect_timeout")
    await wire.until(lambda: wire.closed == 1)


@pytest.mark.parametrize("line", list(Line))
async def test_a_timeout_over_tls_closes_the_connection_at_once(serve, client, authority, line):
    wire = await serve(hang, tls=authority.server("127.0.0.1"))

    outcome = await client.call(target(wire, tls=Tls(ca=authority.pem)), total_timeout=0.3, line=line)

    assert outcome.timed_out
    await wire.until(lambda: wire.closed == 1)
