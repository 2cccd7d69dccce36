"""Redirects: off unless asked for, judged hop by hop, and without credentials across origins."""

import ipaddress

import pytest

from distributedjob.model.outcome import Answered, Unclear
from distributedjob.model.target import Body, BodyKind, HttpMethod, HttpTarget, Tls
from distributedjob.targets.egress import EgressPolicy
from distributedjob.targets.render import compile_target

from .certificates import Authority
from .conftest import RUN, answer_all, answering


def redirecting(location: str, *, status: int = 302):
    return answering(f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())


def by_path(routes: dict[bytes, bytes]):
    async def script(visit):
        while True:
            path = (await visit.request()).split(b" ")[1]
            await visit.send(routes[path])

    return script


def moved(location: bytes, status: bytes = b"302") -> bytes:
    return b"HTTP/1.1 " + status + b" Moved\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n"


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def test_a_redirect_is_not_followed_by_default(serve, client):
    wire = await serve(redirecting("/other"))

    outcome = await client.call(HttpTarget(wire.url, HttpMethod.GET))

    assert (outcome.answer.status, outcome.accepted) == (302, False)
    assert len(wire.requests) == 1


async def test_a_redirect_is_followed_when_allowed(serve, client):
    wire = await serve(by_path({b"/hook": moved(b"next?x=1"), b"/next?x=1": OK}))

    outcome = await client.call(HttpTarget(wire.url, HttpMethod.GET, redirects=1))

    assert (outcome.answer.status, outcome.accepted) == (200, True)
    assert wire.connections == 1


async def test_no_more_redirects_than_allowed_are_followed(serve, client):
    wire = await serve(redirecting("/hook"))

    outcome = await client.call(HttpTarget(wire.url, HttpMethod.GET, redirects=3))

    assert (outcome.answer.status, outcome.accepted) == (302, False)
    assert len(wire.requests) == 4


@pytest.mark.parametrize(
    ("status", "method", "expected"),
    [
        (301, HttpMethod.POST, b"GET"),
        (302, HttpMethod.POST, b"GET"),
        (303, HttpMethod.POST, b"GET"),
        (303, HttpMethod.PUT, b"GET"),
        (303, HttpMethod.HEAD, b"HEAD"),
        (302, HttpMethod.PUT, b"PUT"),
        (307, HttpMethod.POST, b"POST"),
        (308, HttpMethod.PATCH, b"PATCH"),
    ],
)
async def test_the_method_of_the_next_hop_follows_the_status(serve, client, status, method, expected):
    wire = await serve(
        by_path({b"/hook": moved(b"/next", str(status).encode()), b"/next": b"HTTP/1.1 204 None\r\n\r\n"})
    )
    body = None if method is HttpMethod.HEAD else Body(BodyKind.TEXT, "payload")

    await client.call(HttpTarget(wire.url, method, body=body, redirects=1))

    second = wire.requests[1]
    assert second.split(b" ")[0] == expected
    assert second.endswith(b"payload") == (expected in (b"POST", b"PUT", b"PATCH"))
    assert (b"Content-Type" in second) == second.endswith(b"payload")


async def test_secrets_stay_behind_when_a_redirect_crosses_origins(serve, client):
    other = await serve(answer_all)
    wire = await serve(redirecting(f"http://127.0.0.1:{other.port}/there"))
    secrets = (("Authorization", "Bearer s3cret"), ("Cookie", "s=s3cret"), ("X-Api-Key", "s3cret"), ("Accept", "a/b"))
    target = HttpTarget(wire.url, HttpMethod.GET, headers=secrets, redirects=1)

    outcome = await client.call(target)

    assert outcome.accepted
    assert b"s3cret" not in other.requests[0]
    assert b"Accept: a/b\r\n" in other.requests[0]
    assert f"Host: 127.0.0.1:{other.port}\r\n".encode() in other.requests[0]


async def test_secrets_go_along_within_one_origin(serve, client):
    wire = await serve(by_path({b"/hook": moved(b"/next"), b"/next": OK}))
    target = HttpTarget(wire.url, HttpMethod.GET, headers=(("Authorization", "Bearer s3cret"),), redirects=1)

    await client.call(target)

    assert b"Authorization: Bearer s3cret\r\n" in wire.requests[1]


async def test_the_schedulers_own_headers_go_along(serve, client):
    wire = await serve(by_path({b"/hook": moved(b"/next"), b"/next": OK}))
    target = HttpTarget(wire.url, HttpMethod.GET, redirects=1)

    await client.call(compile_target(target).request(RUN, headers=(("Idempotency-Key", "k"),)))

    assert b"Idempotency-Key: k\r\n" in wire.requests[1]


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:{port}/", "http://localhost:{port}/", "//127.0.0.1:{port}/", "http://0x7f.1:{port}/"]
)
async def test_a_redirect_into_a_denied_range_is_not_followed(serve, open_client, location):
    trap = await serve(answer_all)
    public = await serve(redirecting(location.format(port=trap.port)), host="127.0.0.2")
    client = open_client(egress=EgressPolicy(networks=(ipaddress.ip_network("127.0.0.2/32"),)))

    outcome = await client.call(HttpTarget(f"http://127.0.0.2:{public.port}/", HttpMethod.GET, redirects=3))

    assert (type(outcome), outcome.accepted) == (Answered, False)
    assert "the redirect failed" in outcome.message
    assert trap.connections == 0


async def test_a_redirect_from_https_to_http_is_not_followed(serve, client, tmp_path):
    authority = Authority(tmp_path)
    plain = await serve(answer_all)
    secure = await serve(redirecting(plain.url), tls=authority.server("127.0.0.1"))
    url = f"https://127.0.0.1:{secure.port}/"

    outcome = await client.call(HttpTarget(url, HttpMethod.GET, tls=Tls(ca=authority.pem), redirects=3))

    assert (type(outcome), outcome.accepted) == (Answered, False)
    assert "https to http" in outcome.message
    assert plain.connections == 0


@pytest.mark.parametrize("location", ["", "ftp://127.0.0.1/", "http://u:p@127.0.0.1/", "http://[::1", "/a b\\c"])
async def test_a_location_that_cannot_be_used_leaves_the_redirect_as_the_answer(serve, client, location):
    wire = await serve(redirecting(location))

    outcome = await client.call(HttpTarget(wire.url, HttpMethod.GET, redirects=3))

    assert (type(outcome), outcome.accepted, outcome.answer.status) == (Answered, False, 302)
    assert "redirect" in outcome.message


async def test_an_answer_lost_on_a_later_hop_is_unclear(serve, client):
    async def cut(visit):
        await visit.request()

    lost = await serve(cut)
    wire = await serve(redirecting(lost.url, status=307))

    outcome = await client.call(HttpTarget(wire.url, redirects=1))

    assert (type(outcome), outcome.reason) == (Unclear, "connection_lost")


async def test_the_total_timeout_covers_all_hops(serve, client):
    async def hanging(visit):
        await visit.request()
        await visit.until_closed()

    end = await serve(hanging)
    wire = await serve(redirecting(end.url))

    outcome = await client.call(HttpTarget(wire.url, HttpMethod.GET, redirects=2), total_timeout=0.3)

    assert (type(outcome), outcome.timed_out) == (Unclear, True)
