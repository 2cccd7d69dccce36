"""Forgets what is older than its retention, in small batches by primary key: ids are ordered by time."""

from dataclasses import dataclass

from distributedjob.cluster.port import Membership
from distributedjob.model.identity import first_id_at
from distributedjob.services.desk import Desk
from distributedjob.store import nodes, retention

BATCH = 500


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

    async def run_once(self) -> bool:
        if not self._membership.leads:
            return False
        now = self._desk.clock()
        bounds = retention.Bounds(
            executions=first_id_at(now - self._keep.executions),
            failures=first_id_at(now - self._keep.failures),
            bodies=first_id_at(now - self._keep.bodies),
        )
        deleted = await self._desk.store.write(lambda c: retention.purge(c, bounds, now=now, limit=BATCH))
        if not deleted:
            await self._desk.store.write(lambda c: nodes.delete_old(c, ended_before=now - 2 * nodes.NUMBER_REST))
        return deleted >= BATCH
