"""What travels through Kafka: up to 100 hints of one queue, by whom and when. It carries ids and nothing to protect.

Whoever may write to the topic can make any message. So nothing in one is believed: what is read here is at most asked
for, and the conditional claim on (id, fence, queue) decides. A version is written one release after it is first read.
"""

from collections.abc import Sequence
from enum import StrEnum
from hashlib import blake2b
from typing import Annotated, NamedTuple

import msgspec

from distributedjob.model.identity import MAX_ID
from distributedjob.model.instant import SECOND, Instant

VERSION = 1
LIMIT = 100
MAX_BYTES = 4_096
"""A full message has 2.5 KB."""

MAX_AGE = 30 * SECOND
"""The pull has long found what an older hint names."""

HORIZON = 600 * SECOND
"""Hints further ahead are not sent: who would hold them may be gone by then. The pull finds their rows."""

MARK_BYTES = 8

Id = Annotated[int, msgspec.Meta(ge=0, le=MAX_ID)]
Fence = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class Dropped(StrEnum):
    """Why a hint went no further."""

    GARBAGE = "garbage"
    OVERSIZED = "oversized"
    VERSION = "version"
    FOREIGN = "foreign"
    OLD = "old"
    FAR = "far"
    NO_TOPIC = "no_topic"
    FULL = "full"
    NOT_DELIVERED = "not_delivered"


class Due(NamedTuple):
    """An execution that is ready from `not_before` on."""

    id: Id
    fence: Fence
    not_before: Id


class _Message(msgspec.Struct, array_like=True, frozen=True, gc=False):
    version: int
    cluster: bytes
    sent_at: int
    hints: Annotated[list[Due], msgspec.Meta(max_length=LIMIT)]


class _Head(msgspec.Struct, array_like=True, frozen=True, gc=False):
    version: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Message)
_head_decoder = msgspec.msgpack.Decoder(_Head)


def mark_of(cluster_key: bytes) -> bytes:
    """The name by which a cluster knows its own messages; says nothing about its key."""
    return blake2b(b"dispatch", key=cluster_key, digest_size=MARK_BYTES).digest()


def encode(hints: Sequence[Due], *, cluster: bytes, sent_at: Instant) -> bytes:
    return _encoder.encode((VERSION, cluster, sent_at, hints))


def decode(payload: bytes | None, *, cluster: bytes, now: Instant) -> list[Due] | Dropped:
    """The hints of a message, or why it is dropped."""
    if payload is None:
        return Dropped.GARBAGE
    if len(payload) > MAX_BYTES:
        return Dropped.OVERSIZED
    try:
        message = _decoder.decode(payload)
    except msgspec.DecodeError:
        return _unreadable(payload)
    if message.version != VERSION:
        return Dropped.VERSION
    if message.cluster != cluster:
        return Dropped.FOREIGN
    if now - message.sent_at > MAX_AGE:
        return Dropped.OLD
    return message.hints


def count(payload: bytes | None) -> int:
    """How many hints a message of our own making has."""
    return len(_decoder.decode(payload or b"").hints)


def _unreadable(payload: bytes) -> Dropped:
    try:
        head = _head_decoder.decode(payload)
    except msgspec.DecodeError:
        return Dropped.GARBAGE
    return Dropped.GARBAGE if head.version == VERSION else Dropped.VERSION
