"""What was read lately, kept for a moment. Many that ask for the same at once wait for one answer."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from distributedjob.model.instant import Instant

K = TypeVar("K")
V = TypeVar("V")

CAPACITY = 10_000


class Lookup(Generic[K, V]):
    """Values by key, at most `fresh` microseconds old. `note` is told of every look: "hit" or "miss"."""

    def __init__(
        self,
        *,
        fresh: Instant,
        clock: Callable[[], Instant],
        note: Callable[[str], object],
        capacity: int = CAPACITY,
    ) -> None:
        self._fresh = fresh
        self._clock = clock
        self._note = note
        self._capacity = capacity
        self._kept: OrderedDict[K, tuple[Instant, V]] = OrderedDict()
        self._flights: dict[K, asyncio.Future[V | None]] = {}

    async def find(self, key: K, load: Callable[[], Awaitable[V | None]]) -> V | None:
        """The value of `key`, loaded unless it is kept. What does not exist is not kept. Raises what `load` raises."""
        value = self._find_kept(key)
        self._note("miss" if value is None else "hit")
        while value is None and (flight := self._flights.get(key)) is not None:
            await asyncio.wait([flight])
            if not flight.cancelled():
                return flight.result()
            value = self._find_kept(key)
        return await self._load(key, load) if value is None else value

    def forget(self, key: K) -> None:
        """Load `key` anew from now on; an answer that is under way is not kept."""
        self._kept.pop(key, None)
        self._flights.pop(key, None)

    def _find_kept(self, key: K) -> V | None:
        asked_at, value = self._kept.get(key, (0, None))
        return value if self._clock() - asked_at < self._fresh else None

    async def _load(self, key: K, load: Callable[[], Awaitable[V | None]]) -> V | None:
        flight = self._flights[key] = asyncio.get_running_loop().create_future()
        asked_at = self._clock()
        try:
            value = await load()
        except asyncio.CancelledError:
            flight.cancel()  # whoever waits for it looks again, and the first of them loads
            raise
        except Exception as error:
            flight.set_exception(error)
            flight.exception()  # often nobody else waits for it
            raise
        else:
            flight.set_result(value)
            if value is not None and self._flights.get(key) is flight:
                self._keep(key, value, asked_at)
            return value
        finally:
            if self._flights.get(key) is flight:
                del self._flights[key]

    def _keep(self, key: K, value: V, asked_at: Instant) -> None:
        self._kept[key] = (asked_at, value)
        self._kept.move_to_end(key)
        while len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
