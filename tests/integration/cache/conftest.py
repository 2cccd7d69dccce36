"""Nodes as the cache sees them: each with a connection of its own to one Redis."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from distributedjob.cache import link
from distributedjob.cache.open import RedisAddress, open_cache
from distributedjob.cache.redis import RedisCache
from distributedjob.telemetry.events import Events
from distributedjob.telemetry.metrics import Metrics
from support.waiting import until

KEY = b"k" * 32


@dataclass(frozen=True, slots=True)
class Node:
    cache: RedisCache
    metrics: Metrics

    @property
    def up(self) -> bool:
        return bool(self.value("redis_connected"))

    def value(self, name: str) -> float:
        return self.metrics.registry.get_sample_value(f"distributedjob_{name}") or 0.0

    async def ready(self) -> "Node":
        """Wait until Redis answers and messages are heard."""
        await until(lambda: self.up and self.cache.subscription.listening.is_set())
        return self


@dataclass
class Cluster:
    """Opens nodes that share a key and a prefix, unless told otherwise."""

    stack: AsyncExitStack
    prefix: str = field(default_factory=lambda: f"test-{secrets.token_hex(6)}")

    async def node(self, url: str, *, key: bytes = KEY, ca: Path | None = None) -> Node:
        metrics = Metrics()
        address = RedisAddress(url, ca, self.prefix)
        cache = await self.stack.enter_async_context(open_cache(address, key=key, events=Events(), metrics=metrics))
        return Node(cast("RedisCache", cache), metrics)


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with AsyncExitStack() as stack:
        yield Cluster(stack)


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time for an answer on a busy machine: what is tested is not how soon one gives up."""
    monkeypatch.setattr(link, "PATIENCE", 5.0)
