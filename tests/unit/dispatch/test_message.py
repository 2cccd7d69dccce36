"""What is read from a topic is either exactly a message of this cluster, or has a reason to be dropped."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributedjob.dispatch.kafka.message import (
    LIMIT,
    MAX_AGE,
    MAX_BYTES,
    VERSION,
    Dropped,
    Due,
    decode,
    encode,
    mark_of,
)
from distributedjob.model.identity import MAX_ID

MARK = mark_of(b"k" * 32)
NOW = 1_800_000_000_000_000

ids = st.integers(0, MAX_ID)
hints = st.lists(st.builds(Due, ids, st.integers(0, 2**31 - 1), ids), max_size=LIMIT)


def read(payload: bytes | None, *, now: int = NOW):
    return decode(payload, cluster=MARK, now=now)


def made(*parts: object) -> bytes:
    return msgspec.msgpack.encode(parts)


@given(hints)
def test_what_is_written_is_read(written):
    assert read(encode(written, cluster=MARK, sent_at=NOW)) == written


def test_a_full_message_is_not_too_long():
    written = [Due(MAX_ID, 2**31 - 1, MAX_ID)] * LIMIT
    assert read(encode(written, cluster=MARK, sent_at=NOW)) == written


@given(st.binary(max_size=2 * MAX_BYTES))
def test_no_bytes_at_all_raise(payload):
    assert isinstance(read(payload), Dropped | list)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (None, Dropped.GARBAGE),
        (b"", Dropped.GARBAGE),
        (made(VERSION, MARK, NOW), Dropped.GARBAGE),
        (made(VERSION, "text", NOW, []), Dropped.GARBAGE),
        (made(VERSION, MARK, NOW, [[-1, 0, 0]]), Dropped.GARBAGE),
        (made(VERSION, MARK, NOW, [[MAX_ID + 1, 0, 0]]), Dropped.GARBAGE),
        (made(VERSION, MARK, NOW, [[1, 2**31, 0]]), Dropped.GARBAGE),
        (made(VERSION, MARK, NOW, [[1, 0, 0]] * (LIMIT + 1)), Dropped.GARBAGE),
        (made(VERSION, MARK, NOW, [[1.5, 0, 0]]), Dropped.GARBAGE),
        (made("1", MARK, NOW, []), Dropped.GARBAGE),
        (b"\x00" * (MAX_BYTES + 1), Dropped.OVERSIZED),
        (made(VERSION + 1, MARK, NOW, []), Dropped.VERSION),
        (made(VERSION + 1, {"another": "layout"}), Dropped.VERSION),
        (made(VERSION, mark_of(b"o" * 32), NOW, []), Dropped.FOREIGN),
        (made(VERSION, MARK, NOW - MAX_AGE - 1, []), Dropped.OLD),
    ],
)
def test_what_is_no_message_of_ours_has_a_reason(payload, reason):
    assert read(payload) is reason


def test_a_message_is_read_until_it_is_too_old():
    payload = encode([Due(1, 0, NOW)], cluster=MARK, sent_at=NOW)
    assert (read(payload, now=NOW + MAX_AGE), read(payload, now=NOW + MAX_AGE + 1)) == ([(1, 0, NOW)], Dropped.OLD)


def test_what_a_later_release_adds_at_the_end_is_ignored():
    assert read(made(VERSION, MARK, NOW, [[1, 2, 3]], "more")) == [(1, 2, 3)]


def test_the_mark_of_a_cluster_does_not_hold_its_key():
    assert mark_of(b"o" * 32) != MARK
    assert b"kkkk" not in MARK
