"""Bytes to an answer, however they are cut."""

import gzip
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributedjob.model.outcome import Answer, Unclear
from distributedjob.model.target import HttpMethod
from distributedjob.targets.limits import Limits
from distributedjob.targets.reading import AnswerReader

CHUNKED = (
    b"HTTP/1.1 100 Continue\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5;e=1\r\npedia\r\n0\r\nX-T: 1\r\n\r\n"
)
SIZED = b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\nX-A: b\r\n\r\nwikipedia"


def reader(**limits):
    made = AnswerReader(limits=Limits(**limits))
    made.begin(HttpMethod.GET, keep=1000)
    return made


def read(received, **limits):
    made = reader(**limits)
    for piece in received:
        reply = made.feed(piece)
        if reply is not None:
            return reply
    return None


@pytest.mark.parametrize("whole", [CHUNKED, SIZED], ids=["chunked", "sized"])
@given(cuts=st.lists(st.integers(min_value=0, max_value=200), max_size=8))
def test_however_the_bytes_are_cut_the_answer_is_the_same(whole, cuts):
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(edges)]

    reply = read(pieces)

    assert isinstance(reply, Answer)
    assert (reply.body, dict(reply.headers)["x-a"]) == (b"wikipedia", "b")


@given(received=st.binary(max_size=300))
def test_no_bytes_whatsoever_raise(received):
    made = reader()
    reply = made.feed(received)

    assert isinstance(made.end() if reply is None else reply, Answer | Unclear)


@given(tail=st.binary(max_size=200))
def test_no_bytes_after_a_status_line_raise(tail):
    made = reader()
    reply = made.feed(b"HTTP/1.1 200 OK\r\n" + tail)

    assert isinstance(made.end() if reply is None else reply, Answer | Unclear)


def test_one_reader_reads_one_answer_after_the_other():
    made = reader()

    assert made.feed(SIZED).status == 404
    assert made.is_clean()
    made.begin(HttpMethod.GET, keep=1000)
    assert made.feed(CHUNKED).status == 200


def test_a_head_at_its_limit_passes_and_one_above_does_not():
    fits = b"HTTP/1.1 200 OK\r\nX: " + b"a" * 93 + b"\r\nContent-Length: 0\r\n\r\n"

    assert isinstance(read([fits], head=116), Unclear)
    assert isinstance(read([fits], head=117), Answer)


def test_a_large_body_in_the_same_read_does_not_count_as_head():
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + b"x" * 500

    assert isinstance(read([whole], head=100), Answer)


def test_an_answer_is_cut_as_soon_as_the_cap_is_passed():
    made = reader(read=1000)

    assert made.feed(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 900) is None
    assert made.feed(b"x" * 100).truncated


def test_too_many_pieces_cut_an_answer():
    whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 50 + b"0\r\n\r\n"

    reply = read([whole], pieces=20)

    assert (reply.body, reply.truncated) == (b"x" * 20, True)


def test_a_bomb_unpacks_no_further_than_what_is_kept():
    packed = gzip.compress(bytes(10_000_000))
    whole = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed

    made = reader()
    made.begin(HttpMethod.GET, keep=50_000)
    reply = made.feed(whole)

    assert (len(reply.body), reply.truncated) == (50_000, True)


@pytest.mark.parametrize("packed", [b"", b"not gzip", gzip.compress(b"hello", mtime=0)[:-6]])
def test_a_body_that_does_not_unpack_whole_is_marked(packed):
    whole = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed

    reply = read([whole])

    assert reply.truncated is bool(packed)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("timeout=5", 4), ("max=9, timeout=3", 2), ("timeout=100", 4), ("timeout=x", 4), ("timeout=0", 0)],
)
def test_the_servers_word_on_keeping_a_connection_only_shortens_it(value, seconds):
    made = reader()
    made.feed(f"HTTP/1.1 200 OK\r\nKeep-Alive: {value}\r\nContent-Length: 0\r\n\r\n".encode())

    assert made.keep_seconds == seconds
