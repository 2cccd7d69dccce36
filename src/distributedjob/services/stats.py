"""What happened lately, and what is going on now, in numbers."""

from collections import Counter
from dataclasses import dataclass

from distributedjob.model.execution import State, Trigger
from distributedjob.model.identity import Principal, first_id_at, instant_of
from distributedjob.model.instant import Instant
from distributedjob.services.desk import Transaction
from distributedjob.store import counts


@dataclass(frozen=True, slots=True)
class Statistics:
    """Executions recorded in [since, until). `complete` is false where `since` is later than asked for, because
    there were too many to count."""

    since: Instant
    until: Instant
    complete: bool
    by_state: dict[State, int]
    by_trigger: dict[Trigger, int]
    unfinished: dict[State, int]

    @property
    def total(self) -> int:
        return sum(self.by_state.values())


def get_statistics(
    tx: Transaction, *, principal: Principal, since: Instant, until: Instant, task_id: int | None
) -> Statistics:
    from_id, below_id = first_id_at(since), first_id_at(until)
    counted_from = counts.first_counted_id(tx.connection, from_id=from_id, below_id=below_id)
    rows = counts.count_by_state(
        tx.connection, principal=principal, from_id=counted_from, below_id=below_id, task_id=task_id
    )
    by_state: Counter[State] = Counter()
    by_trigger: Counter[Trigger] = Counter()
    for row in rows:
        by_state[State(row.state)] += row.executions
        by_trigger[Trigger(row.trigger)] += row.executions
    unfinished = counts.count_unfinished(tx.connection, principal=principal, task_id=task_id)
    return Statistics(
        since=since if counted_from == from_id else instant_of(counted_from),
        until=until,
        complete=counted_from == from_id,
        by_state=dict(by_state),
        by_trigger=dict(by_trigger),
        unfinished={State(state): count for state, count in unfinished.items()},
    )
