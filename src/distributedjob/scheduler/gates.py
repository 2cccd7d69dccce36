"""Visits gates that hold waiting executions: on news of room, and every second, so that no wake-up is lost."""

from distributedjob.model.task import TaskDefinition
from distributedjob.services.desk import Desk, Transaction
from distributedjob.services.gatekeeper import Gatekeeper
from distributedjob.store.gates import delete_stale_entries, list_waiting_tasks
from distributedjob.store.revisions import find_current_revisions

BATCH = 200


class Gates:
    name = "gates"

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk

    async def run_once(self) -> bool:
        waiting = await self._desk.store.read(lambda c: list_waiting_tasks(c, limit=BATCH))
        if waiting:
            await self._desk.write(lambda tx: open_gates(tx, waiting))
        return False


class GateSweeper:
    """Drops gate entries of ended executions, which would close a gate for ever."""

    name = "gate_sweeper"

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk

    async def run_once(self) -> bool:
        return await self._desk.write(lambda tx: delete_stale_entries(tx.connection, limit=BATCH)) == BATCH


def open_gates(tx: Transaction, task_ids: list[int]) -> None:
    """Let in what has room, by the policies in force now; a deleted task lets everything in."""
    gates = Gatekeeper(tx, task_ids)
    revisions = find_current_revisions(tx.connection, task_ids)
    definitions = tx.revisions.load(tx.connection, revisions.items())
    for task_id in task_ids:
        definition: TaskDefinition | None = definitions.get((task_id, revisions.get(task_id, 0)))
        gates.open(task_id, None if definition is None else definition.policies)
