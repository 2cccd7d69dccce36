"""The cache that all nodes of a cluster share. While Redis is away each node goes on with its own."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from limits.aio.storage import RedisStorage
from redis.asyncio import Redis

from distributedjob.cache.link import Foreign, RedisLink
from distributedjob.cache.local import LocalCache
from distributedjob.cache.port import Counter, Listener
from distributedjob.cache.rates import Rates
from distributedjob.cache.seal import Seal
from distributedjob.cache.subscription import Subscription
from distributedjob.cache.tries import ADMIT, TAKE_BACK, arguments_of
from distributedjob.model.instant import Instant
from distributedjob.telemetry.metrics import Metrics

T = TypeVar("T")

NEWS = "news"
"""The channel."""


class RedisCache:
    """Counters are counted here too, so that a Redis that forgets everything opens no door that was shut."""

    def __init__(self, link: RedisLink, *, seal: Seal, metrics: Metrics) -> None:
        self._link = link
        self._seal = seal
        self._metrics = metrics
        self._own = LocalCache()
        self._listeners: list[Listener] = []
        self._rates = _rates_of(link, prefix=seal.place("rate"))
        self._admit = link.client.register_script(ADMIT)
        self._take_back = link.client.register_script(TAKE_BACK)
        metrics.redis_connected.set_function(lambda: float(link.up))
        self.subscription = Subscription(link, seal.place(NEWS), hear=self._hear)

    async def find(self, names: Sequence[str]) -> dict[str, bytes]:
        if not names:
            return {}
        places = [self._seal.place(name) for name in names]
        nothing: list[bytes | None] = []
        answers = await self._ask(lambda redis: redis.mget(places), otherwise=nothing, names=names)
        sealed = {name: answer for name, answer in zip(names, answers, strict=False) if answer is not None}
        opened = ((name, self._seal.open(name, value)) for name, value in sealed.items())
        found = {name: content for name, content in opened if content is not None}
        self._metrics.cache_foreign.inc(len(sealed) - len(found))
        kind = names[0].partition(":")[0]
        self._metrics.lookups.labels(kind, "hit").inc(len(found))
        self._metrics.lookups.labels(kind, "miss").inc(len(names) - len(found))
        return found

    async def put(self, values: Mapping[str, bytes], *, ttl: timedelta) -> None:
        async def put(redis: Redis) -> object:
            pipeline = redis.pipeline(transaction=False)
            for name, value in values.items():
                pipeline.set(self._seal.place(name), self._seal.close(name, value), px=ttl)
            return await pipeline.execute()

        await self._ask(put, otherwise=None, names=())

    async def forget(self, names: Sequence[str]) -> None:
        if not names:
            return
        await self._own.forget(names)
        places = [self._seal.place(name) for name in names]
        await self._ask(lambda redis: redis.delete(*places), otherwise=None, names=())

    async def hit(self, name: str, *, per_second: int) -> bool:
        answer = await self._hit(name, per_second)
        return await self._own.hit(name, per_second=per_second) if answer is None else answer

    async def admit(self, counters: Sequence[Counter], *, now: Instant) -> Instant:
        if wait := await self._own.admit(counters, now=now):
            return wait
        names = [counter.name for counter in counters]
        places = [self._seal.place(name) for name in names]
        arguments = arguments_of(counters, now=now)
        wait = int(await self._ask(lambda _: self._admit(places, arguments), otherwise=0, names=names))
        if wait:
            await self._own.take_back(names)
        return wait

    async def take_back(self, names: Sequence[str]) -> None:
        await self._own.take_back(names)
        places = [self._seal.place(name) for name in names]
        await self._ask(lambda _: self._take_back(places), otherwise=None, names=names)

    async def publish(self, message: bytes) -> bool:
        sealed = self._seal.close(NEWS, message)
        place = self._seal.place(NEWS)
        return await self._link.tell(lambda redis: redis.publish(place, sealed)) is not None

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)

    async def run(self) -> None:
        """Look after the connection for as long as the program lives."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._link.run(), name="redis link")
            group.create_task(self.subscription.run(), name="redis subscription")

    def _hear(self, sealed: bytes) -> None:
        message = self._seal.open(NEWS, sealed)
        if message is None:
            self._metrics.cache_foreign.inc()
            return
        for listener in self._listeners:
            listener(message)

    async def _hit(self, name: str, per_second: int) -> bool | None:
        try:
            return await self._link.ask(lambda _: self._rates.hit(name, per_second=per_second), otherwise=None)
        except Foreign:
            self._metrics.cache_foreign.inc()
            await self._link.ask(lambda _: self._rates.clear(name, per_second=per_second), otherwise=None)
            return None

    async def _ask(self, question: Callable[[Redis], Awaitable[Any]], *, otherwise: T, names: Sequence[str]) -> T | Any:
        """What stands in the way of an answer and is not ours is deleted, and the question asked once more."""
        for _ in range(2):
            try:
                return await self._link.ask(question, otherwise=otherwise)
            except Foreign:
                self._metrics.cache_foreign.inc()
                await self._drop(names)
        return otherwise

    async def _drop(self, names: Sequence[str]) -> None:
        if not names:
            return
        places = [self._seal.place(name) for name in names]
        await self._link.ask(lambda redis: redis.delete(*places), otherwise=None)


def _rates_of(link: RedisLink, *, prefix: str) -> Rates:
    """Rates over the link's own connections."""
    storage = RedisStorage(
        "async+redis://",
        implementation="redispy",
        key_prefix=prefix,
        connection_pool=link.client.connection_pool,  # type: ignore[arg-type]
    )
    return Rates(storage)
