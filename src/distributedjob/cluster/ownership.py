"""Which scheduler owns which shard: the highest rendezvous hash over the live sessions.

No lock per shard and no term: when a session comes or goes, only its own shards move.
"""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b

from distributedjob.model.task import SHARDS


def shards_of(session: int, living: Iterable[int]) -> tuple[int, ...]:
    """The shards of `session` among the living schedulers."""
    return _owned(session, tuple(sorted(set(living))))


@lru_cache(maxsize=64)
def _owned(session: int, living: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(shard for shard in range(SHARDS) if max(living, key=lambda s: _weight(s, shard)) == session)


def _weight(session: int, shard: int) -> bytes:
    return blake2b(session.to_bytes(8, "big") + shard.to_bytes(2, "big"), digest_size=8).digest()
