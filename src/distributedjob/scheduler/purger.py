"""Forgets what is older than its retention, in small batches by primary key: ids are ordered by time."""

from dataclasses import dataclass
from functools import partial

from distributedjob.cluster.port import Membership
from distributedjob.model.identity import first_id_at
from distributedjob.model.instant import Instant
from distributedjob.services.desk import Desk
from distributedjob.store import nodes, retention, stops
from distributedjob.store.port import Connection

BATCH = 500
TASKS = 1_000
"""Whose revisions one pass looks through: a million tasks in a day."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept, in microseconds."""

    executions: int
    failures: int
    bodies: int


class Purger:
    name = "purger"

    def __init__(self, *, desk: Desk, membership: Membership, keep: Retention) -> None:
        self._desk = desk
        self._membership = membership
        self._keep = keep
        self._place = 0
        self._last_task = 0

    async def run_once(self) -> bool:
        if not self._membership.leads:
            return False
        now = self._desk.clock()
        bounds = retention.Bounds(
            executions=first_id_at(now - self._keep.executions),
            failures=first_id_at(now - self._keep.failures),
            bodies=first_id_at(now - self._keep.bodies),
        )
        unit = partial(retention.purge, bounds=bounds, place=self._place, now=now, limit=BATCH)
        count, self._place = await self._desk.store.write(unit)
        if not count:
            await self._desk.store.write(lambda c: self._forget_the_rest(c, now))
        return count >= BATCH

    def _forget_the_rest(self, connection: Connection, now: Instant) -> None:
        nodes.delete_old(connection, ended_before=now - 2 * nodes.NUMBER_REST)
        stops.delete_expired(connection, before=now)
        retention.delete_done_backfills(connection, created_before=now - self._keep.executions)
        self._last_task = retention.delete_orphaned_revisions(connection, after=self._last_task, limit=TASKS)
