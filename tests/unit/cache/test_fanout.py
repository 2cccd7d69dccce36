"""What is said to other nodes, and what is heard of them."""

from collections.abc import Sequence

import msgspec
import pytest

from distributedjob.cache.local import LocalCache
from distributedjob.dispatch.fanout import LIMIT, Bulletin, FanOut
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
from distributedjob.model.execution import Hint
from distributedjob.telemetry.events import Events
from distributedjob.telemetry.metrics import Metrics


class Station:
    """One node: what it sends goes over the channel that it shares with the others."""

    def __init__(self, channel: LocalCache) -> None:
        self.metrics = Metrics()
        self.heard: list[News] = []
        self.fanout = FanOut(channel, deliver=self.heard.extend, metrics=self.metrics, events=Events())

    async def say(self, *news: News) -> None:
        self.fanout.carry(news)
        await self.fanout.send()

    def value(self, name: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"distributedjob_{name}_total")


class Deaf(LocalCache):
    async def publish(self, message: bytes) -> bool:
        return False


@pytest.fixture
def channel() -> LocalCache:
    return LocalCache()


@pytest.fixture
def here(channel: LocalCache) -> Station:
    return Station(channel)


@pytest.fixture
def there(channel: LocalCache) -> Station:
    return Station(channel)


@pytest.mark.parametrize("item", [CancelAsked(7), UserChanged(2**62), TokenRevoked("ab" * 32), OrdersChanged()])
async def test_news_is_heard_by_the_other_node_alone(here, there, item):
    await here.say(item)

    assert (there.heard, here.heard) == ([item], [])


async def test_room_and_cursors_become_one_word_for_the_owners_of_the_shards(here, there):
    await here.say(CursorMoved(1, 30), RoomMade(frozenset({1, 2})), CursorMoved(2, 10), RoomMade(frozenset({2, 3})))

    assert there.heard == [Elsewhere(10, frozenset({1, 2, 3}))]


async def test_hints_are_not_its_business(here, there):
    here.fanout.carry([Hint(1, 0, 5, "default")])

    assert not here.fanout._wake.is_set()


async def test_what_has_gathered_goes_out_once(here, there):
    await here.say(CancelAsked(1), CancelAsked(1))
    await here.say(CancelAsked(2))

    assert there.heard == [CancelAsked(1), CancelAsked(2)]


async def test_too_much_is_dropped_and_counted(here, there):
    here.fanout.carry([CancelAsked(number) for number in range(LIMIT + 5)])
    await here.fanout.send()

    assert (len(there.heard), here.value("news_dropped")) == (LIMIT, 5)


async def test_what_could_not_be_sent_is_dropped_and_counted():
    station = Station(Deaf())
    await station.say(CancelAsked(1), CancelAsked(2))
    await station.say(CursorMoved(1, 2))

    assert station.value("news_dropped") == 3


@pytest.mark.parametrize(
    "garbage", [b"", b"\xc1", b"\x80", b"\x93\x01\x02\x03", msgspec.msgpack.encode({"version": "1"})]
)
async def test_what_cannot_be_read_is_dropped_and_counted(here, channel, garbage):
    await channel.publish(garbage)

    assert (here.heard, here.value("cache_foreign")) == ([], 1)


async def test_a_later_version_that_only_added_something_is_understood(here, channel):
    later = {"version": 1, "sender": 5, "cancels": [7], "moods": ["fine"]}
    await channel.publish(msgspec.msgpack.encode(later))

    assert here.heard == [CancelAsked(7)]


async def test_a_later_version_that_means_something_else_is_not(here, channel):
    await channel.publish(msgspec.msgpack.encode(Bulletin(2, 5, cancels={7})))

    assert (here.heard, here.value("cache_foreign")) == ([], 1)


async def test_a_listener_that_fails_ends_nothing(channel, here, there):
    def fail(_: Sequence[News]) -> None:
        raise ZeroDivisionError

    FanOut(channel, deliver=fail, metrics=Metrics(), events=Events())
    await here.say(CancelAsked(1))

    assert there.heard == [CancelAsked(1)]
