"""Hearing what the other nodes say: one connection to Redis that is kept, and opened anew when it falls silent."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from distributedjob.cache.link import PROBE_SECONDS, RedisLink

if TYPE_CHECKING:
    from redis.asyncio.client import PubSub

ASK_AFTER = 1.0
SILENCE = 3.0
"""Seconds without a word, not even an answer to a ping."""

PAUSE = 0.1


class Subscription:
    """Messages that are sent while it is not connected are lost."""

    def __init__(self, link: RedisLink, channel: str, *, hear: Callable[[bytes], None]) -> None:
        self._link = link
        self._channel = channel
        self._hear = hear
        self.listening = asyncio.Event()

    async def run(self) -> None:
        """Listen whenever Redis is up, for as long as the program lives."""
        while True:
            await self._link.wait_until_up()
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001 - whatever ends it, it begins anew
                self._link.doubt(error)
            finally:
                self.listening.clear()
            await asyncio.sleep(PAUSE)

    async def _listen(self) -> None:
        channel = self._link.client.pubsub()
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await channel.subscribe(self._channel)
            await self._hear_all(channel)
        finally:
            await channel.aclose()  # type: ignore[no-untyped-call]

    async def _hear_all(self, channel: "PubSub") -> None:
        now = asyncio.get_running_loop().time
        heard_at = now()
        while now() - heard_at < SILENCE:
            message = await channel.get_message(timeout=ASK_AFTER)
            if message is None:
                await channel.ping()
                continue
            heard_at = now()
            match message["type"]:
                case "subscribe":
                    self.listening.set()
                case "message":
                    self._hear(message["data"])
        raise TimeoutError
