"""Whatever a user puts into a target: the sink gets one request with exactly the declared headers, or none.

The sink reads HTTP/1.1 by hand and shares no code with the program.
"""

import asyncio
from dataclasses import replace
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distributedjob.model.outcome import Answered, NotSent
from distributedjob.model.target import Body, BodyKind, HttpMethod, HttpTarget
from distributedjob.targets.egress import EMBEDDED
from distributedjob.targets.http import HttpCaller, Line
from distributedjob.targets.render import compile_target
from distributedjob.targets.validate import validate_target

from .conftest import OK, RUN

BREAKS = ["\r\n", "\n", "\r", "\0", "\r\n\r\n", "%0d%0a", "\u010a", "\u2028"]
EVIL = st.sampled_from([*BREAKS, ": ", " HTTP/1.1\r\nX: y", "{{", "}}"])
TEXT = st.lists(EVIL | st.text(st.characters(exclude_categories=["Cs"]), max_size=6), max_size=4).map("".join)
TOKEN = st.text("abcXYZ019-_!#$%&'*+.^`|~", min_size=1, max_size=10)
PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="{}\\#"), max_size=8)
NAMES = TOKEN | TOKEN | TOKEN | TEXT
VALUES = PLAIN | PLAIN | st.just("{{ params.v }}") | TEXT
"""Mostly what may be sent, so that most examples reach the sink; the rest tries to break out."""

PAIRS = st.lists(st.tuples(NAMES, VALUES), max_size=3).map(tuple)
OURS = (("Idempotency-Key", "k-1"), ("X-DistributedJob-Attempt", "1"))
DEFAULTS = {"host", "user-agent", "accept", "accept-encoding", "content-type", "content-length"}

targets = st.builds(
    HttpTarget,
    url=st.sampled_from(["http://sink/", "http://sink/p/{{ params.v }}", "http://sink/p?a={{ params.v }}"])
    | (PLAIN | TEXT).map(lambda tail: f"http://sink/{tail}"),
    method=st.sampled_from([HttpMethod.POST, HttpMethod.GET, HttpMethod.DELETE]),
    headers=PAIRS,
    query=PAIRS,
    body=st.none() | st.builds(Body, st.just(BodyKind.TEXT), VALUES, st.none() | st.just("a/b") | TEXT),
)


class Sink:
    """Reads all bytes of one connection and answers once it has seen a whole head and its declared body."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.visits: set[asyncio.Task] = set()

    async def visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits.add(asyncio.current_task())
        place = len(self.received)
        self.received.append(b"")
        while chunk := await reader.read(65536):
            self.received[place] += chunk
            head, found, body = self.received[place].partition(b"\r\n\r\n")
            if found and len(body) >= declared_length(head):
                writer.write(OK)
        writer.close()


def declared_length(head: bytes) -> int:
    lengths = [
        int(line.split(b":")[1]) for line in head.split(b"\r\n")[1:] if line.lower().startswith(b"content-length:")
    ]
    assert len(lengths) <= 1
    return sum(lengths)


async def send(target: HttpTarget, value: str) -> tuple[object, list[bytes]]:
    """Call once on a fresh connection; the outcome and the bytes of each connection."""
    sink = Sink()
    server = await asyncio.start_server(sink.visit, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def loopback(host: str, _: int) -> tuple[str, ...]:
        return ("127.0.0.1",)

    caller = HttpCaller(egress=EMBEDDED, user_agent="DJ/1", lookup=loopback)
    request = compile_target(replace(target, url=target.url.replace("//sink", f"//sink:{port}", 1))).request(
        RUN._replace(params={"v": value}), headers=OURS
    )
    if isinstance(request, NotSent):
        outcome = request
    else:
        outcome = await caller.call(
            request, connect_timeout=5, total_timeout=5, last_look=lambda: True, line=Line.FRESH
        )
    await caller.close()
    await asyncio.gather(*sink.visits)
    server.close()
    return outcome, sink.received


@settings(max_examples=800, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(target=targets, value=TEXT)
def test_the_sink_gets_exactly_one_request_with_exactly_the_declared_headers(target, value):
    if validate_target(target):
        return  # refused when saved
    outcome, received = asyncio.run(send(target, value))

    if isinstance(outcome, NotSent):
        assert (outcome.reason, received) == ("render_failed", [])
        return
    assert isinstance(outcome, Answered)
    (message,) = received
    head, _, body = message.partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    check_line(line, target, value)
    check_headers([tuple(text.split(": ", 1)) for text in lines], target, value)
    assert body.decode() == ("" if target.body is None else filled(target.body.content, value))


def check_line(line: str, target: HttpTarget, value: str) -> None:
    method, path, version = line.split(" ")
    assert (method, version) == (target.method, "HTTP/1.1")
    assert path.startswith("/")
    assert path.isascii()
    assert path.isprintable()
    if target.url == "http://sink/p/{{ params.v }}":
        assert unquote(urlsplit(path).path) == f"/p/{value}"
    if target.query:
        pairs = parse_qsl(urlsplit(path).query, keep_blank_values=True)
        declared = [(name, filled(text, value)) for name, text in target.query]
        assert pairs[len(pairs) - len(declared) :] == declared


def check_headers(sent: list[tuple[str, ...]], target: HttpTarget, value: str) -> None:
    declared = [(name, filled(text, value)) for name, text in target.headers]
    declared_names = {name.lower() for name, _ in declared}
    own = [
        pair
        for pair in sent
        if pair not in OURS and (pair[0].lower() not in DEFAULTS or pair[0].lower() in declared_names)
    ]

    assert own == declared
    assert [pair for pair in sent if pair in OURS] == list(OURS)
    for name in DEFAULTS:
        assert sum(pair[0].lower() == name for pair in sent) <= max(1, sum(n.lower() == name for n, _ in declared))


def filled(text: str, value: str) -> str:
    return value if text == "{{ params.v }}" else text.replace("{{ '{{' }}", "{{")


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\r\n\r\nGET /second HTTP/1.1\r\nHost: x\r\n\r\n"])
@pytest.mark.parametrize(
    "target",
    [
        HttpTarget("http://sink/{{ params.v }}"),
        HttpTarget("http://sink/?q={{ params.v }}"),
        HttpTarget("http://sink/", query=(("q", "{{ params.v }}"),)),
        HttpTarget("http://sink/", body=Body(BodyKind.JSON, {"a": "{{ params.v }}"})),
        HttpTarget("http://sink/", body=Body(BodyKind.FORM, {"a": "{{ params.v }}"})),
    ],
)
def test_a_line_break_in_a_value_makes_no_second_line_and_no_second_request(target, value):
    outcome, received = asyncio.run(send(target, value))

    assert isinstance(outcome, Answered)
    (message,) = received
    starts = [line.split(b" ")[0].rstrip(b":") for line in message.split(b"\r\n")]
    assert b"X-Evil" not in starts
    assert b"GET" not in starts


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0b"])
def test_a_line_break_in_a_header_value_is_not_sent_at_all(value):
    outcome, received = asyncio.run(send(HttpTarget("http://sink/", headers=(("X-A", "{{ params.v }}"),)), value))

    assert (type(outcome), outcome.reason, received) == (NotSent, "render_failed", [])
