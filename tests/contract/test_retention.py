"""Old history goes, in batches; what is unfinished, young, or kept longer stays."""

from sqlalchemy import insert

from distributedjob.model.execution import State
from distributedjob.model.identity import first_id_at
from distributedjob.model.instant import DAY
from distributedjob.scheduler.purger import Purger, Retention
from distributedjob.store import tasks
from distributedjob.store.backfills import BackfillRow, insert_backfill
from distributedjob.store.executions import delete_executions
from distributedjob.store.hot.rows import ExecutionRow
from distributedjob.store.retention import Bounds, delete_orphaned_revisions, purge
from distributedjob.store.tables import attempt, backfill, execution, failure, node, output, request_key, task_revision
from support.office import ME, NOON, Leader, Office

KEEP = Retention(executions=30 * DAY, failures=90 * DAY, bodies=7 * DAY)


async def past(
    office: Office, days: float, *, state: State = State.SUCCEEDED, number: int = 0, task_id: int = 1
) -> int:
    """An execution, with all that may belong to one, recorded so many days ago; returns its id."""
    at = NOON - round(days * DAY)
    id_ = first_id_at(at) + number
    row = dict.fromkeys(ExecutionRow._fields) | {
        "id": id_, "task_id": task_id, "source_id": id_, "fire_at": at, "not_before": at, "deadline_at": at,
        "state": state, "trigger": 1, "priority": 5, "queue": "default",
        "department_id": 1, "revision": 1, "fence": 1, "holder": ME,
        "attempt": 1, "flags": 0, "recorded_at": at,
    }  # fmt: skip
    tried = {"execution_id": id_, "no": 1, "evidence": 0, "outcome": "x", "reason": "x", "message": "x", "ended_at": at}
    body = {"execution_id": id_, "no": 1, "evidence": 0, "status": 200, "headers": "[]", "coding": 0, "body": "b"}
    failed = {"execution_id": id_, "task_id": 1, "department_id": 1, "state": state, "outcome": "x", "reason": "x"}

    def unit(connection):
        connection.execute(insert(execution).values(row))
        connection.execute(insert(attempt).values(tried))
        connection.execute(insert(output).values({**body, "truncated": False}))
        connection.execute(insert(failure).values({**failed, "message": "x"}))

    await office.store.write(unit)
    return id_


async def purged(office: Office, keep: Retention = KEEP, *, leads: bool = True) -> list[int]:
    """Purge until nothing is left to; returns the executions that stayed."""
    service = Purger(desk=office.desk, membership=Leader(leads=leads), keep=keep)
    while await service.run_once():
        pass
    await service.run_once()
    return [row.id for row in await office.all_of(execution)]


async def test_old_executions_go_with_all_that_belongs_to_them(office: Office) -> None:
    await past(office, 31)
    young = await past(office, 29)
    assert await purged(office) == [young]
    for table in (attempt, failure):
        assert [row.execution_id for row in await office.all_of(table)] == [young], table


async def test_failed_ones_are_kept_longer(office: Office) -> None:
    await past(office, 91, state=State.FAILED)
    kept = [await past(office, 89, state=state) for state in (State.FAILED,)]
    await past(office, 60)
    assert await purged(office) == kept


async def test_failed_ones_may_be_kept_shorter(office: Office) -> None:
    kept = await past(office, 20)
    await past(office, 20, state=State.FAILED, number=1)
    assert await purged(office, Retention(executions=30 * DAY, failures=10 * DAY, bodies=DAY)) == [kept]


async def test_unfinished_ones_stay_however_old(office: Office) -> None:
    states = (State.PENDING, State.BLOCKED, State.RUNNING)
    kept = [await past(office, 400, state=state, number=n) for n, state in enumerate(states)]
    assert await purged(office) == kept


async def test_bodies_go_first(office: Office) -> None:
    await past(office, 8)
    young = await past(office, 6)
    await purged(office)
    assert [row.execution_id for row in await office.all_of(output)] == [young]


async def test_only_the_leader_purges(office: Office) -> None:
    old = await past(office, 31)
    assert await purged(office, leads=False) == [old]


async def test_a_batch_is_never_larger_than_its_limit(office: Office) -> None:
    for number in range(5):
        await past(office, 31, number=number)
    bounds = Bounds(first_id_at(NOON - 30 * DAY), first_id_at(NOON - 90 * DAY), 0)
    counts, place = [], 0
    for _ in range(4):
        found = await office.store.write(lambda c, p=place: purge(c, bounds, place=p, now=NOON, limit=2))
        counts.append(found.deleted)
        place = found.place
    assert counts == [2, 2, 1, 0]


async def test_what_is_kept_longer_is_not_read_again_and_again(office: Office) -> None:
    kept = [await past(office, 60, state=State.FAILED, number=number) for number in range(3)]
    last = await past(office, 31, number=9)
    bounds = Bounds(first_id_at(NOON - 30 * DAY), first_id_at(NOON - 90 * DAY), 0)
    first = await office.store.write(lambda c: purge(c, bounds, place=0, now=NOON, limit=10))
    second = await office.store.write(lambda c: purge(c, bounds, place=first.place, now=NOON, limit=10))
    assert (first.place, second.place) == (last, bounds.executions - 1)
    assert [row.id for row in await office.all_of(execution)] == kept


async def test_once_they_are_old_enough_failed_ones_go_from_behind_the_place(office: Office) -> None:
    await past(office, 60, state=State.FAILED)
    service = Purger(desk=office.desk, membership=Leader(), keep=KEEP)
    await service.run_once()
    office.now += 40 * DAY
    await service.run_once()
    assert await office.all_of(execution) == []


async def test_keys_of_requests_go_when_they_expire(office: Office) -> None:
    key = {"user_id": 1, "digest": "d", "execution_id": 1}
    rows = [{**key, "name": "old", "expires_at": NOON - 1}, {**key, "name": "young", "expires_at": NOON}]
    await office.store.write(lambda c: c.execute(insert(request_key).values(rows)))
    await purged(office)
    assert [row.name for row in await office.all_of(request_key)] == ["young"]


async def test_ranges_that_are_done_and_sessions_that_ended_go_too(office: Office) -> None:
    range_ = {"task_id": 1, "schedule_id": 1, "department_id": 1, "revision": 1, "last_at": 1, "fires_left": 0}
    old = NOON - 31 * DAY
    rows = [
        {**range_, "id": 1, "next_at": None, "created_at": old},
        {**range_, "id": 2, "next_at": 1, "created_at": old},
    ]
    await office.store.write(lambda c: c.execute(insert(backfill).values(rows)))
    await office.add_node(ME)
    await office.end_node(ME)
    office.now += 3 * DAY
    await purged(office)
    assert ([row.id for row in await office.all_of(backfill)], await office.all_of(node)) == ([2], [])


async def revisions_of(office: Office) -> set[int]:
    return {row.task_id for row in await office.all_of(task_revision)}


async def delete_task(office: Office, task_id: int) -> None:
    await office.store.write(lambda c: tasks.delete_task(c, task_id))


async def test_what_a_deleted_task_said_goes_with_its_last_execution(office: Office) -> None:
    gone, kept = await office.add_task(), await office.add_task()
    last = await past(office, 1, task_id=gone)
    await delete_task(office, gone)
    await purged(office)
    with_history = await revisions_of(office)
    await office.store.write(lambda c: delete_executions(c, [last]))
    await purged(office)
    assert (with_history, await revisions_of(office)) == ({gone, kept}, {kept})


async def test_what_a_deleted_task_said_stays_while_its_fires_are_caught_up(office: Office) -> None:
    task_id = await office.add_task()
    range_ = BackfillRow(1, task_id, 1, 1, 1, next_at=NOON, last_at=NOON, fires_left=1)
    await office.store.write(lambda c: insert_backfill(c, range_, created_at=NOON))
    await delete_task(office, task_id)
    await purged(office)
    assert await revisions_of(office) == {task_id}


async def test_all_pages_of_revisions_are_looked_at(office: Office) -> None:
    ids = [await office.add_task() for _ in range(5)]
    for task_id in (ids[0], ids[4]):
        await delete_task(office, task_id)
    after = 0
    for _ in range(4):
        after = await office.store.write(lambda c, a=after: delete_orphaned_revisions(c, after=a, limit=2))
    assert (await revisions_of(office), after) == (set(ids[1:4]), ids[2])
