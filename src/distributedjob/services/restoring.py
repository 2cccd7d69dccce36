"""After a restored backup: one decision for the fires between the backup and its return.

A restored cursor stands where it stood. The fires since then may have been carried out by the database that was
lost, so an operator says what becomes of them, once, for all schedules: they are `missed`, or the newest of each
schedule runs and the rest is missed. Either way no fire is left without its row.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum

from distributedjob.model.execution import Reason
from distributedjob.model.instant import Instant
from distributedjob.model.policies import MisfireMode, MisfirePolicy
from distributedjob.services.batch import NO_SLOTS, Recorded, RecordingBatch
from distributedjob.services.desk import Transaction
from distributedjob.store import installation
from distributedjob.store.codec import decode_schedule, encode_schedule
from distributedjob.store.hot.rows import ScheduleRow


class RestoreRule(StrEnum):
    """What becomes of the fires that a restored database does not know the fate of."""

    MISSED = "missed"
    LATEST = "latest"


# One microsecond below zero: a fire that is due this very microsecond is old as well.
_NO_GRACE = timedelta(microseconds=-1)
_POLICIES = {
    RestoreRule.MISSED: MisfirePolicy(mode=MisfireMode.SKIP, grace=_NO_GRACE),
    RestoreRule.LATEST: MisfirePolicy(mode=MisfireMode.LATEST, grace=_NO_GRACE),
}


def begin(tx: Transaction) -> None:
    """From now on nodes find nothing of what they shared before: a revision saved after the backup may have the
    number of one that is saved from now on."""
    installation.renew_key(tx.connection, installation.CACHE_KEY)


def list_unsettled(tx: Transaction, *, before: Instant, limit: int) -> Sequence[int]:
    """Up to `limit` schedules whose cursor is before an instant."""
    due = tx.hot.list_due(tx.connection, until=before - 1, shards=None, limit=limit)
    return [schedule_id for schedule_id, _ in due]


def settle_fires(tx: Transaction, schedule_ids: Sequence[int], *, before: Instant, rule: RestoreRule) -> Recorded:
    """Decide every fire of these schedules that is due before an instant; the cursors move to it or past it."""
    rows = [row for row in tx.hot.lock_schedules(tx.connection, schedule_ids) if _is_before(row, before)]
    definitions = tx.revisions.load(tx.connection, ((row.task_id, row.revision) for row in rows))
    batch = RecordingBatch(tx, NO_SLOTS, until=before - 1, reason=Reason.RESTORED)
    for row in rows:
        batch.add(_under(_POLICIES[rule], row), definitions[row.task_id, row.revision])
    return batch.write()


def _is_before(row: ScheduleRow, instant: Instant) -> bool:
    return row.next_fire_at is not None and row.next_fire_at < instant


def _under(policy: MisfirePolicy, row: ScheduleRow) -> ScheduleRow:
    """The row as it is planned here: the operator's rule stands in for the schedule's own."""
    schedule = replace(decode_schedule(row.definition), misfire=policy)
    return row._replace(definition=encode_schedule(schedule))
