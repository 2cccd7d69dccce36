"""Which class an outcome has, and that nothing is ever sent a second time."""

import asyncio
import socket
import time
from datetime import timedelta

import pytest

from distributedjob.model.outcome import Answered, NotSent, Unclear
from distributedjob.model.target import Body, BodyKind, HttpMethod, HttpTarget
from distributedjob.targets.http import Line
from distributedjob.targets.limits import Limits

from .conftest import OK, answer_all, answering, hang

RESTING_LONG = Limits(idle=timedelta(minutes=5))


async def close_on_the_second(visit):
    """Answer one request; take the next and close without a byte."""
    await visit.request()
    await visit.send(b"HTTP/1.1 204 No Content\r\n\r\n")
    await visit.request()


@pytest.mark.parametrize("method", list(HttpMethod))
async def test_a_kept_connection_closed_without_a_byte_is_unclear_and_not_sent_again(serve, client, method):
    wire = await serve(close_on_the_second)
    target = HttpTarget(wire.url, method)

    await client.call(target)
    outcome = await client.call(target)

    assert (type(outcome), outcome.reason) == (Unclear, "stale_connection")
    assert len(wire.requests) == 2


async def test_a_reset_after_the_request_is_unclear(serve, client):
    async def reset(visit):
        await visit.request()
        visit.writer.transport.abort()

    wire = await serve(reset)

    outcome = await client.call(wire.url)

    assert (type(outcome), outcome.reason) == (Unclear, "connection_lost")


async def test_a_refused_connection_is_not_sent(client):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))

        outcome = await client.call(f"http://127.0.0.1:{unused.getsockname()[1]}/")

    assert (type(outcome), outcome.reason) == (NotSent, "connect_failed")
    assert "Connection refused" in outcome.message


async def test_a_connection_that_never_completes_ends_by_the_connect_timeout(client):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(address)
            fillers.append(filler)

        outcome = await client.call(f"http://127.0.0.1:{address[1]}/", connect_timeout=0.2)

        for filler in fillers:
            filler.close()

    assert (type(outcome), outcome.reason) == (NotSent, "connect_timeout")


async def test_a_name_that_does_not_resolve_is_not_sent(open_client):
    async def unknown(host, port):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    outcome = await open_client(lookup=unknown).call("http://nowhere.example/")

    assert (type(outcome), outcome.reason) == (NotSent, "dns_failed")
    assert outcome.message == "nowhere.example could not be resolved: Name or service not known"


async def test_a_look_up_that_never_ends_is_cut_by_the_connect_timeout(open_client):
    async def stuck(host, port):
        await asyncio.Event().wait()

    outcome = await open_client(lookup=stuck).call("http://slow.example/", connect_timeout=0.1)

    assert (type(outcome), outcome.reason) == (NotSent, "dns_failed")


async def test_the_total_timeout_is_unclear_and_closes_the_connection(serve, client):
    wire = await serve(hang)

    outcome = await client.call(wire.url, total_timeout=0.1)

    assert (type(outcome), outcome.reason, outcome.timed_out) == (Unclear, "timeout", True)
    await wire.until(lambda: wire.closed == 1)


async def test_the_total_timeout_also_ends_a_body_that_never_ends(serve, client):
    async def drip(visit):
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx")
        await visit.until_closed()

    wire = await serve(drip)

    outcome = await client.call(wire.url, total_timeout=0.2)

    assert (type(outcome), outcome.timed_out) == (Unclear, True)


async def test_an_answer_that_came_while_the_process_was_held_up_is_no_timeout(http_target, client):
    """The target answers from another thread at once; this loop reads it only after the timeout has passed."""

    def hold_up_after_the_write():
        asyncio.get_running_loop().call_later(0.02, time.sleep, 0.6)
        return True

    outcome = await client.call(http_target.url(), total_timeout=0.3, last_look=hold_up_after_the_write)

    assert isinstance(outcome, Answered)


async def test_a_total_timeout_before_the_first_byte_is_not_sent(open_client):
    async def stuck(host, port):
        await asyncio.Event().wait()

    outcome = await open_client(lookup=stuck).call("http://slow.example/", total_timeout=0.1)

    assert type(outcome) is NotSent


async def test_a_last_look_that_forbids_keeps_every_byte_back_and_the_connection_open(serve, client):
    wire = await serve(answer_all)

    outcome = await client.call(wire.url, last_look=lambda: False)
    await client.call(wire.url)

    assert (type(outcome), outcome.reason) == (NotSent, "released")
    assert (wire.connections, len(wire.requests)) == (1, 1)


async def test_the_last_look_comes_after_the_connection_is_open(serve, client):
    wire = await serve(answer_all)
    seen = []

    def look():
        seen.append(len(wire.requests))
        return True

    await client.call(wire.url, last_look=look)

    assert seen == [0]


async def test_a_last_look_that_raises_sends_nothing(serve, client):
    wire = await serve(answer_all)

    def look():
        raise RuntimeError("look")

    with pytest.raises(RuntimeError):
        await client.call(wire.url, last_look=look)
    await wire.until(lambda: wire.closed == 1)

    assert wire.requests == []


async def test_a_cancelled_call_closes_its_connection(serve, client):
    wire = await serve(hang)
    call = asyncio.create_task(client.call(wire.url))
    await wire.until(lambda: wire.connections == 1)

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    await wire.until(lambda: wire.closed == 1)


async def test_a_call_cancelled_during_a_look_up_leaves_the_others_waiting_for_it(serve, open_client):
    wire = await serve(answer_all)
    asked = []
    go = asyncio.Event()

    async def slow(host, port):
        asked.append(host)
        await go.wait()
        return ("127.0.0.1",)

    client = open_client(lookup=slow)
    first, second = (asyncio.create_task(client.call(f"http://a.example:{wire.port}/")) for _ in range(2))
    while not asked:
        await asyncio.sleep(0)
    first.cancel()
    go.set()

    assert (await second).accepted
    assert asked == ["a.example"]


async def test_a_connection_the_peer_closed_while_it_rested_is_not_used(serve, client):
    async def serve_one(visit):
        await visit.request()
        await visit.send(OK)

    wire = await serve(serve_one)

    await client.call(wire.url)
    await wire.until(lambda: wire.closed == 1)
    outcome = await client.call(wire.url)

    assert outcome.accepted
    assert wire.connections == 2


async def test_a_close_that_the_loop_has_not_seen_is_found_before_a_byte_is_written(http_target, client):
    await client.call(http_target.url())

    http_target.stop()  # in another thread, while this loop stands still
    outcome = await client.call(http_target.url())

    assert (type(outcome), outcome.reason) == (NotSent, "connect_failed")


async def test_bytes_that_come_while_a_connection_rests_end_it(serve, open_client):
    client = open_client(limits=RESTING_LONG)
    pushed = asyncio.Event()

    async def push(visit):
        await visit.request()
        await visit.send(OK)
        if visit.number == 1:
            await pushed.wait()
            await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
        await visit.until_closed()

    wire = await serve(push)
    await client.call(wire.url)

    pushed.set()
    await wire.until(lambda: wire.closed == 1)
    outcome = await client.call(wire.url)

    assert outcome.answer.body == b"ok"


async def test_two_calls_at_once_never_share_a_connection(serve, client):
    both = asyncio.Barrier(2)

    async def together(visit):
        await visit.request()
        await both.wait()
        await visit.send(OK)

    wire = await serve(together)

    outcomes = await asyncio.gather(client.call(wire.url), client.call(wire.url))

    assert [outcome.accepted for outcome in outcomes] == [True, True]
    assert wire.connections == 2


async def test_an_at_most_once_call_never_meets_a_kept_connection_that_closes(serve, client):
    wire = await serve(close_on_the_second)
    target = HttpTarget(wire.url, body=Body(BodyKind.TEXT, "once"))

    outcomes = [await client.call(target, line=Line.FRESH) for _ in range(4)]

    assert [outcome.accepted for outcome in outcomes] == [True] * 4


async def test_the_second_address_is_tried_when_the_first_refuses(serve, open_client):
    wire = await serve(answer_all)

    async def two(host, port):
        return ("127.0.0.2", "127.0.0.1")

    outcome = await open_client(lookup=two).call(f"http://two.example:{wire.port}/")

    assert outcome.accepted


async def test_an_ipv6_target_is_called_with_its_host_in_brackets(serve, client):
    wire = await serve(answering(OK), host="::1")

    outcome = await client.call(f"http://[::1]:{wire.port}/")

    assert outcome.accepted
    assert f"Host: [::1]:{wire.port}".encode() in wire.requests[0]
