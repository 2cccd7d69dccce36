"""What other nodes did, and what of it is this node's: the owner of a shard looks, everybody else lets it pass.

Nobody takes another's word for it: what is near is read from the database.
"""

from collections.abc import Callable, Iterable, Sequence

from distributedjob.cluster.port import Membership
from distributedjob.dispatch.port import Elsewhere, News, RoomMade
from distributedjob.model.task import shard_of
from distributedjob.runtime.clock import Clock
from distributedjob.scheduler.window import AHEAD


class ShardNews:
    """`look` reads the window anew, `tell` passes news on inside this process."""

    def __init__(
        self,
        *,
        clock: Clock,
        membership: Membership,
        look: Callable[[], None],
        tell: Callable[[Sequence[News]], None],
    ) -> None:
        self._clock = clock
        self._membership = membership
        self._look = look
        self._tell = tell

    def hear(self, news: Elsewhere) -> None:
        if news.cursor_at is not None and news.cursor_at <= self._clock.now() + AHEAD:
            self._look()
        if own := self._own(news.task_ids):
            self._tell([RoomMade(own)])

    def _own(self, task_ids: Iterable[int]) -> frozenset[int]:
        shards = self._membership.shards
        return frozenset(id_ for id_ in task_ids if shards is None or shard_of(id_) in shards)
