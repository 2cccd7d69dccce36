"""Jitter: a delay that a schedule's seed and the fire time fix for ever, so every node computes the same one."""

from hashlib import blake2b

from distributedjob.model.instant import Instant


def jitter_of(seed: int, fire_at: Instant, jitter_micros: int) -> int:
    """Microseconds in [0, jitter_micros], evenly spread over fire times and seeds.

    `seed` is a schedule's, 0 ≤ seed < 2⁶³.
    """
    if jitter_micros <= 0:
        return 0
    digest = blake2b(fire_at.to_bytes(8, "big", signed=True), digest_size=8, key=seed.to_bytes(8, "big")).digest()
    return int.from_bytes(digest, "big") % (jitter_micros + 1)
