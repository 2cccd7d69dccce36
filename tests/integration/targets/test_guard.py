"""The egress guard where it matters: at the socket. A trap listens on loopback; no denied call may reach it."""

import asyncio
import ipaddress
from datetime import timedelta

import pytest

from distributedjob.model.outcome import Answered, NotSent
from distributedjob.model.target import HttpMethod, HttpTarget
from distributedjob.targets.egress import EMBEDDED, GUARDED, EgressPolicy, Endpoint
from distributedjob.targets.http import Line
from distributedjob.targets.limits import Limits
from distributedjob.targets.render import compile_target

from .conftest import RUN, answer_all, answering, hang

NO_TIME = timedelta(0)

# Each is a way to write an address that the guard denies; {port} is where the trap listens on loopback.
SPELLINGS = [
    "http://127.0.0.1:{port}/",
    "http://127.0.0.1:{port}",
    "HTTP://127.0.0.1:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://127.255.255.254:{port}/",
    "http://2130706433:{port}/",
    "http://017700000001:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://0177.0.01:{port}/",
    "http://0x7f.1:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7F.0x0.0x0.0x1:{port}/",
    "http://0x7f.0.0.1:{port}/",
    "http://00000177.1:{port}/",
    "http://127.0x0.1:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://0.1:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST:{port}/",
    "http://localhost.:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://[::1]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[0000::0001]:{port}/",
    "http://[::]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::FFFF:7f00:1]:{port}/",
    "http://[0:0:0:0:0:ffff:7f00:0001]:{port}/",
    "http://[::ffff:0:127.0.0.1]:{port}/",
    "http://[64:ff9b::127.0.0.1]:{port}/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[64:ff9b:1:7f00:0:100::]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[2001:0:7f00:1::]:{port}/",
    "http://[2001::5601:5601]/",
    "http://[fe80::1%25lo]:{port}/",
    "http://[fe80::1%lo]:{port}/",
    "http://[::1%25lo]:{port}/",
    "http://[fe80::1]:{port}/",
    "http://[fec0::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://[100::1]/",
    "http://[4000::1]/",
    "http://１２７.０.０.１:{port}/",
    "http://127。0。0。1:{port}/",
    "http://127．0．0．1:{port}/",
    "http://127｡0｡0｡1:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/",
    "http://ok@127.0.0.1:{port}/",
    "http://ok:pw@127.0.0.1:{port}/",
    "http://example.com@127.0.0.1:{port}/",
    "http://example.com%40127.0.0.1:{port}/",
    "http://ok@169.254.169.254/",
    "http://127.0.0.1:{port}\\@example.com/",
    "http://example.com\\@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@example.com/",
    "http://127.0.0.1%00.example.com:{port}/",
    "http://127.0.0.1\t:{port}/",
    "http:// 127.0.0.1:{port}/",
    "http://127.0.0.1%20:{port}/",
    "http:/127.0.0.1:{port}/",
    "http:127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_",
    "unix:/tmp/socket",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://169.254.43518/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://100.100.100.200/",
    "http://192.0.0.192/",
    "http://168.63.129.16/",
    "http://10.0.0.1/",
    "http://172.31.255.255/",
    "http://192.168.0.1/",
    "http://100.64.0.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_no_spelling_of_a_denied_address_reaches_the_trap(serve, open_client, spelling):
    trap = await serve(answer_all)
    client = open_client(egress=GUARDED)
    url = spelling.format(port=trap.port)

    try:
        request = compile_target(HttpTarget(url, HttpMethod.GET)).request(RUN)
    except ValueError:
        return  # refused when the task is saved
    outcome = await client.call(request, connect_timeout=1.0)

    assert isinstance(outcome, NotSent)
    assert outcome.reason in {"egress_denied", "dns_failed"}
    assert trap.connections == 0


def test_the_table_of_spellings_is_as_long_as_promised():
    assert len(set(SPELLINGS)) >= 60


async def test_the_trap_can_be_reached_when_the_policy_allows_it(serve, open_client):
    """Guards the guard's tests: a trap that nothing can reach would prove nothing."""
    trap = await serve(answer_all)

    outcomes = [
        await open_client(egress=EMBEDDED).call(spelling.format(port=trap.port))
        for spelling in ("http://0x7f.1:{port}/", "http://①②⑦.⓪.⓪.①:{port}/", "http://[::ffff:127.0.0.1]:{port}/")
    ]

    assert [type(outcome) for outcome in outcomes] == [Answered] * 3


@pytest.mark.parametrize("line", list(Line))
async def test_a_name_that_turns_between_public_and_loopback_never_leads_into_the_trap(serve, open_client, line):
    """127.0.0.2 plays the public address: a listed network, which the policy opens, while 127.0.0.1 stays denied."""
    public = await serve(answer_all, host="127.0.0.2")
    trap = await serve(answer_all, host="127.0.0.1", port=public.port)
    answers = [0]

    async def rebinding(host, port):
        answers[0] += 1
        return ("127.0.0.2",) if answers[0] % 2 else ("127.0.0.1",)

    policy = EgressPolicy(networks=(ipaddress.ip_network("127.0.0.2/32"),))
    client = open_client(egress=policy, lookup=rebinding, limits=Limits(names_cached=NO_TIME))

    outcomes = [await client.call(f"http://turn.example:{public.port}/", line=line) for _ in range(1000)]

    assert trap.connections == 0
    assert {type(outcome) for outcome in outcomes} == {Answered, NotSent}
    assert answers[0] == 1000


async def test_a_connection_to_an_address_the_name_has_left_is_not_used(serve, open_client):
    old = await serve(answer_all, host="127.0.0.2")
    new = await serve(answer_all, host="127.0.0.3", port=old.port)
    leads_to = ["127.0.0.2"]

    async def moving(host, port):
        return tuple(leads_to)

    client = open_client(lookup=moving, limits=Limits(names_cached=NO_TIME))
    await client.call(f"http://moving.example:{old.port}/")
    leads_to[0] = "127.0.0.3"
    await client.call(f"http://moving.example:{old.port}/")

    assert (len(old.requests), len(new.requests)) == (1, 1)


async def test_one_denied_answer_among_allowed_ones_denies_the_name(serve, open_client):
    public = await serve(answer_all, host="127.0.0.2")

    async def both(host, port):
        return ("127.0.0.2", "127.0.0.1")

    policy = EgressPolicy(networks=(ipaddress.ip_network("127.0.0.2/32"),))
    outcome = await open_client(egress=policy, lookup=both).call(f"http://both.example:{public.port}/")

    assert (type(outcome), outcome.reason) == (NotSent, "egress_denied")
    assert public.connections == 0


async def test_a_denied_policy_gets_no_byte_through_the_warm_pool_of_another(serve, open_client):
    wire = await serve(answer_all)
    allowed, denied = open_client(egress=EMBEDDED), open_client(egress=GUARDED)
    await allowed.call(wire.url)

    outcomes = [await denied.call(wire.url) for _ in range(20)]
    await allowed.call(wire.url)

    assert {outcome.reason for outcome in outcomes} == {"egress_denied"}
    assert (wire.connections, len(wire.requests)) == (1, 2)


async def test_a_stricter_policy_closes_the_connections_that_rest(serve, open_client):
    wire = await serve(answer_all)
    client = open_client(egress=EMBEDDED, limits=Limits(idle=timedelta(minutes=5)))
    await client.call(wire.url)

    client.caller.adopt(GUARDED)
    await wire.until(lambda: wire.closed == 1)
    outcome = await client.call(wire.url)

    assert outcome.reason == "egress_denied"
    assert len(wire.requests) == 1


async def test_a_connection_in_use_while_the_policy_changes_is_not_kept(serve, open_client):
    arrived, go = asyncio.Event(), asyncio.Event()

    async def slow(visit):
        await visit.request()
        arrived.set()
        await go.wait()
        await visit.send(b"HTTP/1.1 204 No Content\r\n\r\n")
        await visit.until_closed()

    wire = await serve(slow)
    client = open_client(egress=EMBEDDED)
    call = asyncio.create_task(client.call(wire.url))
    await arrived.wait()

    client.caller.adopt(EMBEDDED)
    go.set()

    assert (await call).accepted
    await wire.until(lambda: wire.closed == 1)


async def test_a_service_of_our_own_is_denied_on_its_port_only(serve, open_client):
    own, other = await serve(answer_all), await serve(answer_all)
    policy = EgressPolicy(loopback=True, own=(Endpoint("127.0.0.1", own.port),))
    client = open_client(egress=policy)

    outcomes = [await client.call(wire.url) for wire in (own, other)]

    assert [type(outcome) for outcome in outcomes] == [NotSent, Answered]
    assert own.connections == 0


async def test_a_listed_host_opens_what_it_leads_to(serve, open_client):
    wire = await serve(answer_all)

    async def inside(host, port):
        return ("127.0.0.1",)

    client = open_client(egress=EgressPolicy(hosts=("*.corp.example",)), lookup=inside)

    listed, other = [
        await client.call(f"http://{host}:{wire.port}/") for host in ("a.corp.example", "corp.example.net")
    ]

    assert (type(listed), type(other)) == (Answered, NotSent)


async def test_the_address_is_looked_up_once_while_the_answer_is_fresh(serve, open_client):
    wire = await serve(answer_all)
    asked = []

    async def counted(host, port):
        asked.append(host)
        return ("127.0.0.1",)

    client = open_client(lookup=counted)
    for _ in range(5):
        await client.call(f"http://name.example:{wire.port}/", line=Line.FRESH)

    assert asked == ["name.example"]


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"])
async def test_proxies_of_the_environment_are_never_used(serve, client, monkeypatch, name):
    proxy, wire = await serve(hang), await serve(answer_all)
    monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")

    outcome = await client.call(wire.url)

    assert outcome.accepted
    assert proxy.connections == 0


async def test_a_netrc_of_the_environment_is_never_read(serve, client, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    wire = await serve(answering(b"HTTP/1.1 204 No Content\r\n\r\n"))

    await client.call(wire.url)

    assert b"authorization" not in wire.requests[0].lower()
