"""Ids, the identity of a fire, and the key that all its calls carry."""

from dataclasses import dataclass
from hashlib import blake2b

from distributedjob.model.instant import MILLISECOND, Instant

NODE_BITS = 12
SEQUENCE_BITS = 10
NODES = 1 << NODE_BITS
MAX_ID = 2**63 - 1
ID_EPOCH: Instant = 1_735_689_600_000_000
"""2025-01-01T00:00:00Z: 41 bits of milliseconds last until 2094."""


class IdSequence:
    """Time-ordered 63-bit integers: milliseconds since 2025, node bits, a sequence.

    Never goes backwards within a process; more than 1,024 ids in one millisecond borrow from the next.
    Not thread-safe: each thread that makes ids owns one, or holds a lock.
    """

    __slots__ = ("_last", "_node")

    def __init__(self, node: int) -> None:
        if not 0 <= node < NODES:
            raise ValueError(f"node bits {node} are outside 0 to {NODES - 1}")
        self._node = node << SEQUENCE_BITS
        self._last = 0

    def next(self, now: Instant) -> int:
        stamp = ((now - ID_EPOCH) // MILLISECOND) << SEQUENCE_BITS
        self._last = max(self._last + 1, stamp)
        moment, sequence = divmod(self._last, 1 << SEQUENCE_BITS)
        return (moment << (NODE_BITS + SEQUENCE_BITS)) | self._node | sequence


def first_id_at(instant: Instant) -> int:
    """The smallest id that can be made at `instant`; bounds a range of executions by time."""
    return min(MAX_ID, max(0, ((instant - ID_EPOCH) // MILLISECOND) << (NODE_BITS + SEQUENCE_BITS)))


def instant_of(id_: int) -> Instant:
    """When an id was made, to the millisecond."""
    return (id_ >> (NODE_BITS + SEQUENCE_BITS)) * MILLISECOND + ID_EPOCH


def idempotency_key(cluster_key: bytes, source_id: int, fire_at: Instant) -> str:
    """The key of a fire: the same after a restore of an older database, since it needs no row.

    Runs by hand have their own execution id as source, so theirs is unique too.
    """
    message = source_id.to_bytes(8, "big", signed=True) + fire_at.to_bytes(8, "big", signed=True)
    return blake2b(message, key=cluster_key, digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: every service takes one, and scopes by it in one place."""

    user_id: int
    name: str
    department_id: int
    via: str
    """How it proved itself: `jwt`, `token`, or `system` for the program's own commands."""


ROOT_DEPARTMENT = 1
SYSTEM = Principal(user_id=0, name="system", department_id=ROOT_DEPARTMENT, via="system")
