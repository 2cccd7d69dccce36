"""The cache of one process, for itself: all there is without Redis, and what goes on while Redis is away."""

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from limits.aio.storage import MemoryStorage

from distributedjob.cache.port import Counter, Listener
from distributedjob.cache.rates import Rates
from distributedjob.model.instant import Instant
from distributedjob.rules.patience import FORGET_AFTER

T = TypeVar("T")

CAPACITY = 20_000
RATED = 2_000
"""The library looks at all its windows at every hit: with more of them than this, all begin anew."""


@dataclass(slots=True)
class _Count:
    failures: int = 0
    failed_at: Instant = 0
    open_at: Instant = 0


class LocalCache:
    """One per program, on its event loop. What was put or counted first goes first when there is too much."""

    def __init__(self, *, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._values: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._counts: OrderedDict[str, _Count] = OrderedDict()
        self._listeners: list[Listener] = []
        self._windows = MemoryStorage()
        self._rates = Rates(self._windows)

    async def find(self, names: Sequence[str]) -> dict[str, bytes]:
        now = time.monotonic()
        kept = ((name, self._values.get(name)) for name in names)
        return {name: entry[1] for name, entry in kept if entry is not None and now < entry[0]}

    async def put(self, values: Mapping[str, bytes], *, ttl: timedelta) -> None:
        until = time.monotonic() + ttl.total_seconds()
        for name, value in values.items():
            self._values[name] = (until, value)
            self._values.move_to_end(name)
        self._trim(self._values)

    async def forget(self, names: Sequence[str]) -> None:
        for name in names:
            self._values.pop(name, None)
            self._counts.pop(name, None)

    async def hit(self, name: str, *, per_second: int) -> bool:
        if len(self._windows.expirations) > RATED:
            await self._windows.reset()
        return await self._rates.hit(name, per_second=per_second)

    async def admit(self, counters: Sequence[Counter], *, now: Instant) -> Instant:
        counted = (self._counts.get(counter.name) for counter in counters)
        wait = max((count.open_at - now for count in counted if count is not None), default=0)
        if wait > 0:
            return wait
        for counter in counters:
            self._count(counter, now)
        self._trim(self._counts)
        return 0

    async def take_back(self, names: Sequence[str]) -> None:
        for name in names:
            if (count := self._counts.get(name)) is not None:
                count.failures = max(0, count.failures - 1)
                count.open_at = 0

    async def publish(self, message: bytes) -> bool:
        for listener in self._listeners:
            listener(message)
        return True

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def _count(self, counter: Counter, now: Instant) -> None:
        count = self._counts.setdefault(counter.name, _Count())
        if now - count.failed_at > FORGET_AFTER:
            count.failures = 0
        count.failures += 1
        count.failed_at = now
        count.open_at = now + counter.patience.wait(count.failures)
        self._counts.move_to_end(counter.name)

    def _trim(self, entries: OrderedDict[str, T]) -> None:
        while len(entries) > self._capacity:
            entries.popitem(last=False)
