"""Keeping up with a range of keys: read whenever something may have changed, and watch anew after every cut."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from distributedjob.cluster.etcd.client import EtcdClient
from distributedjob.cluster.etcd.errors import EtcdAway

AGAIN = 0.25
LONGEST_PAUSE = 5.0

Pairs = dict[bytes, bytes]


async def follow(
    client: EtcdClient,
    first: bytes,
    end: bytes,
    *,
    on_read: Callable[[Pairs], Awaitable[None]],
    on_cut: Callable[[EtcdAway], None],
) -> None:
    """For ever. `on_read` gets everything in the range, once at first and after each change; `on_cut` gets to know
    that changes may be missed from now until the next read."""
    pause = AGAIN
    while True:
        try:
            async with aclosing(client.watch(first, end)) as changes:
                async for _ in changes:
                    await on_read(dict(await client.range(first, end)))
                    pause = AGAIN
        except EtcdAway as error:
            on_cut(error)
        await asyncio.sleep(pause)
        pause = min(LONGEST_PAUSE, pause * 2)
