"""The gate of a task, held: its row locked, its entries read, and what the rules decide written.

One row lock per task makes overlap exact: whoever admits sees every entry that was committed before.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from distributedjob.model.execution import Hint, Reason, State
from distributedjob.model.policies import Policies
from distributedjob.rules.admission import Entry, admit, let_in
from distributedjob.services.desk import Transaction
from distributedjob.services.ending import cancel, end_waiting
from distributedjob.store import gates
from distributedjob.store.hot.rows import ExecutionRow
from distributedjob.store.revisions import find_current_revisions


class Gatekeeper:
    """Holds the gates of some tasks until the transaction ends."""

    def __init__(self, tx: Transaction, task_ids: Iterable[int]) -> None:
        self._tx = tx
        self._entries = gates.lock_gates(tx.connection, sorted(set(task_ids)))
        self._new: list[gates.EntryRow] = []
        self._superseded: set[int] = set()
        self._replaced: set[int] = set()
        self.skipped: Counter[int] = Counter()
        """How many executions of which source `write` has skipped, newcomers and others: they do not count."""

    def admit(self, row: ExecutionRow, policies: Policies) -> ExecutionRow:
        """Decide for one newcomer; later newcomers of the same task see the decision."""
        entries = self._entries[row.task_id]
        decided = admit(policies, entries)
        self._superseded.update(decided.superseded)
        self._replaced.update(decided.replaced)
        if decided.state is State.SKIPPED:
            return row._replace(state=State.SKIPPED, reason=decided.reason, ended_at=self._tx.now)
        waiting = decided.state is State.BLOCKED
        kept = [entry for entry in entries if entry.execution_id not in decided.superseded]
        self._entries[row.task_id] = [*kept, Entry(row.id, waiting, fresh=True)]
        self._new.append((row.id, row.task_id, waiting))
        return row._replace(state=decided.state, reason=decided.reason)

    def write(self, rows: Sequence[ExecutionRow]) -> list[ExecutionRow]:
        """Write what was decided; returns the newcomers, with those that a later one superseded ended."""
        fresh = {row.id for row in rows}
        gates.insert_entries(self._tx.connection, [entry for entry in self._new if entry[0] not in self._superseded])
        if old := self._superseded - fresh:
            ended = end_waiting(self._tx, old, state=State.SKIPPED, reason=Reason.SUPERSEDED)
            self.skipped.update(row.source_id for row in ended)
        if self._replaced:
            cancel(self._tx, self._replaced, reason=Reason.REPLACED)
        decided = [self._superseded_row(row) if row.id in self._superseded else row for row in rows]
        self.skipped.update(row.source_id for row in decided if row.state == State.SKIPPED)
        return decided

    def _superseded_row(self, row: ExecutionRow) -> ExecutionRow:
        return row._replace(state=State.SKIPPED, reason=Reason.SUPERSEDED, ended_at=self._tx.now)

    def open(self, task_id: int, policies: Policies | None) -> None:
        """Let in what waits and has room; hints go with the transaction's news."""
        admitted = let_in(policies, self._entries[task_id])
        if admitted:
            self._tx.news.extend(Hint(*row) for row in gates.unblock(self._tx.connection, admitted))


def find_open_gates(tx: Transaction, task_ids: Sequence[int]) -> list[int]:
    """Those of these tasks whose gate may let somebody in, by a look without a lock."""
    entries = gates.read_entries(tx.connection, task_ids)
    policies = _policies(tx, list(entries))
    return [task_id for task_id in policies if let_in(policies[task_id], entries[task_id])]


def open_gates(tx: Transaction, task_ids: Sequence[int]) -> None:
    """Let in what has room, by the policies in force now; the gate of a deleted task lets everybody in."""
    keeper = Gatekeeper(tx, task_ids)
    for task_id, policies in _policies(tx, task_ids).items():
        keeper.open(task_id, policies)


def _policies(tx: Transaction, task_ids: Sequence[int]) -> dict[int, Policies | None]:
    """The policies in force; None for deleted tasks. Those whose definition cannot be read are absent: their gates
    stay as they are."""
    revisions = find_current_revisions(tx.connection, task_ids)
    policies: dict[int, Policies | None] = {task_id: None for task_id in task_ids if task_id not in revisions}
    for (task_id, _), definition in tx.revisions.load(tx.connection, revisions.items()).items():
        policies[task_id] = definition.policies
    return policies


def turn_on(tx: Transaction, task_id: int) -> None:
    """Give a task a gate: its unfinished executions get their entries, read under the gate's lock."""
    known = {entry.execution_id for entry in gates.lock_gates(tx.connection, [task_id])[task_id]}
    rows = gates.lock_unfinished(tx.connection, task_id)
    gates.insert_entries(tx.connection, [row for row in rows if row[0] not in known])
