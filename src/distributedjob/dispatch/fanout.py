"""News to the other nodes over the cache's channel, and news from them. Hints are not its business: a broker's, or
the pull's.

What gathers while a message is under way goes out with the next, as one bulletin: sets of ids, so that a thousand ends
of one task are one entry. A bulletin that cannot be sent is dropped and counted; polls find the same a second later.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from distributedjob.cache.port import Cache
from distributedjob.dispatch.port import (
    CancelAsked,
    CursorMoved,
    Elsewhere,
    News,
    OrdersChanged,
    RoomMade,
    TokenRevoked,
    UserChanged,
)
from distributedjob.telemetry.events import Events
from distributedjob.telemetry.metrics import Metrics

VERSION = 1
LIMIT = 10_000
"""Ids that wait to be sent; more are dropped."""

GATHER_SECONDS = 0.005
SENDER_BITS = 62


class Bulletin(msgspec.Struct, omit_defaults=True):
    """What is sent. Unknown fields are ignored, so a later version may add some; one that changes the meaning of a
    field counts `version` up, and is not understood here."""

    version: int
    sender: int
    cursor_at: int | None = None
    rooms: set[int] = msgspec.field(default_factory=set)
    cancels: set[int] = msgspec.field(default_factory=set)
    users: set[int] = msgspec.field(default_factory=set)
    tokens: set[str] = msgspec.field(default_factory=set)
    orders: bool = False

    @property
    def size(self) -> int:
        return len(self.rooms) + len(self.cancels) + len(self.users) + len(self.tokens)

    def note(self, item: News) -> bool:
        """Whether this kind of news is sent."""
        match item:
            case CursorMoved():
                earliest = item.next_fire_at
                self.cursor_at = earliest if self.cursor_at is None else min(self.cursor_at, earliest)
            case RoomMade():
                self.rooms |= item.task_ids
            case CancelAsked():
                self.cancels.add(item.execution_id)
            case UserChanged():
                self.users.add(item.user_id)
            case TokenRevoked():
                self.tokens.add(item.digest)
            case OrdersChanged():
                self.orders = True
            case _:
                return False
        return True

    def news(self) -> list[News]:
        found: list[News] = [CancelAsked(id_) for id_ in self.cancels]
        found += [UserChanged(id_) for id_ in self.users]
        found += [TokenRevoked(digest) for digest in self.tokens]
        if self.orders:
            found.append(OrdersChanged())
        if self.rooms or self.cursor_at is not None:
            found.append(Elsewhere(self.cursor_at, frozenset(self.rooms)))
        return found


class FanOut:
    """A carrier. `deliver` is told what other nodes say."""

    def __init__(
        self, cache: Cache, *, deliver: Callable[[Sequence[News]], None], metrics: Metrics, events: Events
    ) -> None:
        self._cache = cache
        self._deliver = deliver
        self._metrics = metrics
        self._events = events
        self._sender = secrets.randbits(SENDER_BITS)
        self._next = self._fresh()
        self._wake = asyncio.Event()
        self._decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(Bulletin)
        cache.subscribe(self._hear)

    def carry(self, news: Sequence[News]) -> None:
        for item in news:
            if self._next.size >= LIMIT:
                self._metrics.news_dropped.inc()
            elif self._next.note(item):
                self._wake.set()

    async def run(self) -> None:
        """Send for as long as the program lives."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(GATHER_SECONDS)
            await self.send()

    async def send(self) -> None:
        """Send what has gathered."""
        self._wake.clear()
        bulletin, self._next = self._next, self._fresh()
        if not await self._cache.publish(msgspec.msgpack.encode(bulletin)):
            self._metrics.news_dropped.inc(max(1, bulletin.size))

    def _fresh(self) -> Bulletin:
        return Bulletin(VERSION, self._sender)

    def _hear(self, message: bytes) -> None:
        try:
            bulletin = self._decoder.decode(message)
        except msgspec.DecodeError:
            self._metrics.cache_foreign.inc()
            return
        if bulletin.version != VERSION:
            self._metrics.cache_foreign.inc()
        elif bulletin.sender != self._sender:
            self._tell(bulletin)

    def _tell(self, bulletin: Bulletin) -> None:
        try:
            self._deliver(bulletin.news())
        except Exception as error:  # noqa: BLE001 - a listener that fails must not end all listening
            self._events.pass_failed("news", error, failures=1)
