"""Queues in JSON."""

from typing import Literal

from distributedjob.api.rest.wire.base import Shown
from distributedjob.model.instant import SECOND, Instant
from distributedjob.services.queues import Queue


class QueueShown(Shown):
    """`workers` are living ones that take work; their `slots` may be shared with other queues. `tasks` and `pending`
    count up to 100,000; `more_than`: one of them is more than it says. The age is that of the execution that has been
    due for longest. `no_worker`: it is in use and nobody serves it."""

    name: str
    workers: int
    slots: int
    tasks: int
    pending: int
    more_than: bool
    oldest_pending_age_seconds: float | None
    conditions: list[Literal["no_worker", "stopped"]]

    @classmethod
    def of(cls, queue: Queue, *, now: Instant) -> "QueueShown":
        conditions: list[Literal["no_worker", "stopped"]] = ["no_worker"] if queue.lacks_worker else []
        age = None if queue.oldest_at is None else max(0.0, (now - queue.oldest_at) / SECOND)
        return cls(
            name=queue.name,
            workers=queue.workers,
            slots=queue.slots,
            tasks=queue.tasks,
            pending=queue.pending,
            more_than=queue.more_than,
            oldest_pending_age_seconds=age,
            conditions=[*conditions, "stopped"] if queue.stopped else conditions,
        )
