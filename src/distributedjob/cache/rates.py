"""Rates of requests: a window that slides over two seconds, so that a short burst passes and a flood does not."""

from limits import RateLimitItemPerSecond
from limits.aio.storage import Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

WINDOW = 2
"""Seconds."""


class Rates:
    """Counts in a storage of the library: this process's memory, or Redis."""

    def __init__(self, storage: Storage) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(storage)

    async def hit(self, name: str, *, per_second: int) -> bool:
        return await self._limiter.hit(_item(per_second), name)

    async def clear(self, name: str, *, per_second: int) -> None:
        await self._limiter.clear(_item(per_second), name)


def _item(per_second: int) -> RateLimitItemPerSecond:
    return RateLimitItemPerSecond(WINDOW * per_second, WINDOW)
