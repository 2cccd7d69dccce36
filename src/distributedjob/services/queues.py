"""Queues: who serves each, and what waits in it. A queue without a worker is the quietest way to run nothing.

Numbers only, and nothing of any task: a queue belongs to whoever runs the workers.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from distributedjob.model.instant import Instant
from distributedjob.model.task import Task
from distributedjob.rules.stops import Stops
from distributedjob.services.desk import Transaction
from distributedjob.store import nodes, queues, stops
from distributedjob.store.queues import COUNTED


@dataclass(frozen=True, slots=True)
class Queue:
    """`workers` living ones that take work, with `slots` in sum, which other queues may share. `tasks` and `pending`
    are counted up to COUNTED; `more_than` says that one of them is more than that. `oldest_at`: the earliest
    `not_before` of what waits."""

    name: str
    workers: int
    slots: int
    tasks: int
    pending: int
    more_than: bool
    oldest_at: Instant | None
    stopped: bool

    @property
    def lacks_worker(self) -> bool:
        """Whether a task names it, or an execution waits in it, and nobody serves it."""
        return not self.workers and bool(self.tasks or self.pending)


def list_queues(tx: Transaction) -> list[Queue]:
    """Every queue that a task names, an execution waits in or a living node serves; by name."""
    slots = _slots(tx)
    stopped = Stops(stops.list_stops(tx.connection, now=tx.now))
    return [_queue(tx, name, slots.get(name, ()), stopped) for name in queues.list_names(tx.connection)]


def warnings_of(tx: Transaction, names: Collection[str]) -> dict[str, str]:
    """A sentence for each of these queues that no living, uncordoned worker serves."""
    served = _slots(tx)
    return {
        name: f"no living worker serves the queue '{name}'; executions wait in it until one does, or expire. "
        "'distributedjob queue list' shows who serves what"
        for name in names
        if name not in served
    }


def warned(tx: Transaction, task: Task) -> tuple[Task, Mapping[str, str]]:
    """A task together with what there is to say of its queue."""
    return task, warnings_of(tx, [task.definition.queue])


def _slots(tx: Transaction) -> Mapping[str, Sequence[int]]:
    """Of the workers that take work, by queue; a queue without one is absent."""
    found = defaultdict[str, list[int]](list)
    for node in nodes.list_serving(tx.connection):
        for queue in node.queues if node.takes_work else ():
            found[queue].append(node.slots)
    return found


def _queue(tx: Transaction, name: str, slots: Sequence[int], stopped: Stops) -> Queue:
    tasks = queues.count_tasks(tx.connection, name)
    backlog = queues.find_backlog(tx.connection, name)
    return Queue(
        name=name,
        workers=len(slots),
        slots=sum(slots),
        tasks=min(tasks, COUNTED),
        pending=min(backlog.pending, COUNTED),
        more_than=tasks > COUNTED or backlog.pending > COUNTED,
        oldest_at=backlog.oldest_at,
        stopped=stopped.holds_queue(name, now=tx.now) is not None,
    )
