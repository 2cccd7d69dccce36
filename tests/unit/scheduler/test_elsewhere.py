"""Of what other nodes did, the owner of a shard looks at its own."""

from collections.abc import Sequence

import pytest

from distributedjob.dispatch.port import Elsewhere, News, RoomMade
from distributedjob.model.task import SHARDS, shard_of
from distributedjob.runtime.clock import Clock
from distributedjob.scheduler.elsewhere import ShardNews

HOUR = 3_600_000_000
TASKS = frozenset(range(1_000, 1_100))


class Owner:
    """A membership as far as it is asked here."""

    def __init__(self, shards: tuple[int, ...] | None) -> None:
        self.shards = shards


class Heard:
    def __init__(self, shards: tuple[int, ...] | None) -> None:
        self.clock = Clock(offset=0)
        self.looks = 0
        self.told: list[News] = []
        self.news = ShardNews(
            clock=self.clock,
            membership=Owner(shards),  # type: ignore[arg-type]
            look=self._look,
            tell=self._tell,
        )

    def _look(self) -> None:
        self.looks += 1

    def _tell(self, news: Sequence[News]) -> None:
        self.told.extend(news)


@pytest.mark.parametrize(("after", "looks"), [(-HOUR, 1), (0, 1), (1_900_000, 1), (HOUR, 0)])
def test_a_cursor_that_moved_near_is_looked_for(after, looks):
    heard = Heard(None)
    heard.news.hear(Elsewhere(heard.clock.now() + after, frozenset()))

    assert (heard.looks, heard.told) == (looks, [])


def test_room_counts_for_own_shards_alone():
    mine = tuple(range(SHARDS // 2))
    heard = Heard(mine)
    heard.news.hear(Elsewhere(None, TASKS))
    own = frozenset(id_ for id_ in TASKS if shard_of(id_) in mine)

    assert 0 < len(own) < len(TASKS)
    assert (heard.looks, heard.told) == (0, [RoomMade(own)])


@pytest.mark.parametrize(("shards", "told"), [(None, [RoomMade(TASKS)]), ((), [])])
def test_who_owns_all_takes_all_and_who_owns_nothing_takes_nothing(shards, told):
    heard = Heard(shards)
    heard.news.hear(Elsewhere(None, TASKS))

    assert heard.told == told
