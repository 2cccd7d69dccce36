"""Watches the queues, on the leader: what waits in each, and which nobody serves."""

from collections.abc import Callable, Sequence

from distributedjob.cluster.port import Membership
from distributedjob.services.desk import Desk
from distributedjob.services.queues import Queue, list_queues
from distributedjob.telemetry.events import Events


class QueueWatch:
    """`show` gets all queues, none when this node does not lead (any more)."""

    name = "queue_watch"

    def __init__(
        self, *, desk: Desk, membership: Membership, events: Events, show: Callable[[Sequence[Queue]], None]
    ) -> None:
        self._desk = desk
        self._membership = membership
        self._events = events
        self._show = show

    async def run_once(self) -> bool:
        found: Sequence[Queue] = []
        if self._membership.leads:
            found = await self._desk.read(list_queues)
        self._show(found)
        for queue in found:
            if queue.lacks_worker:
                self._events.queue_without_worker(queue=queue.name, pending=queue.pending)
        return False
