"""Which cache a program has: one that all nodes share where Redis is set, else one for itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from distributedjob.cache.port import Cache
from distributedjob.cache.seal import Seal
from distributedjob.runtime.alongside import alongside
from distributedjob.telemetry.events import Events
from distributedjob.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """`url` holds the password. `ca` is a PEM file, `prefix` what all keys and channels begin with."""

    url: str
    ca: Path | None
    prefix: str


@asynccontextmanager
async def open_cache(
    address: RedisAddress | None, *, key: bytes, events: Events, metrics: Metrics
) -> AsyncIterator[Cache]:
    """A shared cache is up if Redis answers within a second, and otherwise as soon as it does."""
    if address is None:
        from distributedjob.cache.local import LocalCache  # noqa: PLC0415 - the library is slow to import, for commands

        yield LocalCache()
        return
    from distributedjob.cache.link import RedisLink  # noqa: PLC0415 - the library, for clusters only
    from distributedjob.cache.redis import RedisCache  # noqa: PLC0415

    seal = Seal(key, prefix=address.prefix)
    link = RedisLink(address.url, ca=address.ca, probe_key=seal.place(f"probe:{token_hex(8)}"), events=events)
    cache = RedisCache(link, seal=seal, metrics=metrics)
    try:
        await link.probe()
        async with alongside(cache.run(), name="redis"):
            yield cache
    finally:
        await link.close()
