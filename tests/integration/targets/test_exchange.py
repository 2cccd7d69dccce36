"""One request, one answer, on real sockets: how messages are framed and when a connection is used again."""

import asyncio
import gzip
import zlib

import pytest

from distributedjob.model.outcome import Answer, Answered, Unclear
from distributedjob.model.target import Body, BodyKind, HttpMethod, HttpTarget, StatusRange, SuccessRule
from distributedjob.targets.http import Line

from .conftest import OK, answer_all, answering, answering_once, rendered

ANY_STATUS = SuccessRule(statuses=(StatusRange(200, 599),))


async def test_an_answer_comes_back_with_status_headers_and_body(serve, client):
    wire = await serve(answering(b"HTTP/1.1 201 Created\r\nX-One: a\r\nContent-Length: 4\r\n\r\nbody"))

    outcome = await client.call(wire.url)

    assert outcome == Answered(Answer(201, (("x-one", "a"), ("content-length", "4")), b"body"), accepted=True)


async def test_the_request_on_the_wire_is_exactly_what_was_declared(serve, client):
    wire = await serve(answer_all)
    target = HttpTarget(
        wire.url, headers=(("X-Own", "1"),), query=(("q", "a b"),), body=Body(BodyKind.JSON, {"n": [1, "x"]})
    )

    await client.call(target)

    assert wire.requests == [
        b"POST /hook?q=a%20b HTTP/1.1\r\n"
        b"Host: 127.0.0.1:" + str(wire.port).encode() + b"\r\n"
        b"X-Own: 1\r\n"
        b"Content-Type: application/json\r\n"
        b"Accept-Encoding: identity\r\n"
        b"Accept: */*\r\n"
        b"Content-Length: 13\r\n"
        b"User-Agent: DistributedJob/test\r\n"
        b"\r\n"
        b'{"n":[1,"x"]}'
    ]


async def test_calls_one_after_the_other_share_a_connection(serve, client):
    wire = await serve(answer_all)

    for _ in range(3):
        await client.call(wire.url)

    assert (wire.connections, len(wire.requests)) == (1, 3)


async def test_a_fresh_line_opens_its_own_connection(serve, client):
    wire = await serve(answer_all)

    await client.call(wire.url)
    await client.call(wire.url, line=Line.FRESH)

    assert wire.connections == 2


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
            b"abcde",
            id="chunked",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n",
            b"abc",
            id="trailers",
        ),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"ok", id="continue first"),
        pytest.param(
            b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + OK, b"ok", id="hints"
        ),
        pytest.param(b"HTTP/1.1 199 Odd\r\n\r\n" + OK, b"ok", id="unknown interim"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", b"", id="204"),
        pytest.param(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 50\r\n\r\n", b"", id="304"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"", id="empty"),
        pytest.param(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", b"ok", id="1.0 kept"),
    ],
)
async def test_a_framed_answer_is_read_to_its_end_and_the_connection_kept(serve, client, answer, body):
    wire = await serve(answering(answer))
    target = HttpTarget(wire.url, HttpMethod.GET, success=ANY_STATUS)

    outcomes = [await client.call(target) for _ in range(2)]

    assert [outcome.answer.body for outcome in outcomes] == [body, body]
    assert wire.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", id="connection: close"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", id="1.0"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + OK, id="a second answer nobody asked for"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 2", id="the beginning of one"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok!garbage!\r\n\r\n", id="garbage behind"),
    ],
)
async def test_an_answer_that_spoils_its_connection_counts_and_the_next_call_opens_another(serve, client, answer):
    wire = await serve(answering(answer))

    outcomes = [await client.call(wire.url) for _ in range(2)]

    assert [outcome.answer.body for outcome in outcomes] == [b"ok", b"ok"]
    assert wire.connections == 2


async def test_a_body_without_length_ends_with_the_stream(serve, client):
    wire = await serve(answering_once(b"HTTP/1.1 200 OK\r\n\r\n", b"to the ", b"end"))

    outcome = await client.call(wire.url)

    assert (outcome.answer.body, outcome.answer.truncated) == (b"to the end", False)


async def test_an_answer_to_head_has_no_body_whatever_its_length_says(serve, client):
    wire = await serve(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"))
    target = HttpTarget(wire.url, HttpMethod.HEAD)

    outcomes = [await client.call(target) for _ in range(3)]

    assert [outcome.answer.body for outcome in outcomes] == [b"", b"", b""]
    assert wire.connections == 1


async def test_an_answer_in_single_bytes_is_the_same_answer(serve, client):
    head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n"
    wire = await serve(answering(*(bytes([byte]) for byte in head + b"3\r\nabc\r\n0\r\n\r\n")))

    outcome = await client.call(wire.url)

    assert outcome.answer == Answer(200, (("transfer-encoding", "chunked"), ("x-a", "b")), b"abc")


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"hello " * 100, mtime=0)),
        ("x-gzip", gzip.compress(b"hello " * 100, mtime=0)),
        ("deflate", zlib.compress(b"hello " * 100)),
        ("deflate", zlib.compress(b"hello " * 100)[2:-4]),
    ],
)
async def test_a_compressed_body_is_unpacked(serve, client, encoding, packed):
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    wire = await serve(answering(head + packed))

    outcome = await client.call(HttpTarget(wire.url, HttpMethod.GET, success=SuccessRule(body_contains="hello hello")))

    assert (outcome.accepted, outcome.answer.body, outcome.answer.truncated) == (True, b"hello " * 100, False)


async def test_an_encoding_nobody_knows_is_kept_as_it_came(serve, client):
    wire = await serve(answering(b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\n\x01\x02\x03"))

    outcome = await client.call(wire.url)

    assert outcome.answer.body == b"\x01\x02\x03"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(b"not http at all\r\n\r\n", "bad_response", id="no HTTP"),
        pytest.param(
            b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "bad_response", id="upgrade"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", "bad_response", id="two lengths"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "bad_response",
            id="length and chunks",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "bad_response", id="bad chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf", "connection_lost", id="half a body"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "connection_lost", id="half a chunk"
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", "connection_lost", id="half a head"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", "connection_lost", id="interim only"),
        pytest.param(b"", "connection_lost", id="nothing"),
    ],
)
async def test_an_answer_that_cannot_be_read_is_unclear(serve, client, answer, reason):
    wire = await serve(answering_once(answer))

    outcome = await client.call(wire.url)

    assert isinstance(outcome, Unclear)
    assert (outcome.reason, outcome.timed_out) == (reason, False)


async def test_a_large_body_is_kept_in_part_and_read_in_full(serve, client):
    body = b"x" * 300_000
    wire = await serve(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + body))

    outcomes = [await client.call(wire.url) for _ in range(2)]

    assert [(len(outcome.answer.body), outcome.answer.truncated) for outcome in outcomes] == [(65536, True)] * 2
    assert wire.connections == 1


async def test_a_rule_on_the_body_sees_beyond_what_is_stored(serve, client):
    body = b"x" * 300_000 + b"done"
    wire = await serve(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 300004\r\n\r\n" + body))

    outcome = await client.call(HttpTarget(wire.url, HttpMethod.GET, success=SuccessRule(body_contains="done")))

    assert (outcome.accepted, len(outcome.answer.body), outcome.answer.truncated) == (True, 65536, True)


async def test_an_answer_before_the_request_was_taken_counts_but_ends_the_connection(serve, client):
    async def refuse_unread(visit):
        await visit.reader.readuntil(b"\r\n\r\n")
        visit.writer.transport.pause_reading()
        await visit.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await asyncio.Event().wait()

    wire = await serve(refuse_unread, receive_buffer=4096)
    small = rendered(HttpTarget(wire.url, body=Body(BodyKind.TEXT, "x")))
    beyond_all_buffers = small._replace(body=b"x" * 16_000_000)

    outcomes = [await client.call(beyond_all_buffers) for _ in range(2)]

    assert [outcome.answer.status for outcome in outcomes] == [413, 413]
    assert wire.connections == 2
