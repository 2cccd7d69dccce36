"""Queues in use: found wherever they are named, and nobody serving one is plain to see."""

from sqlalchemy import Connection, update

from distributedjob.model.identity import SYSTEM
from distributedjob.model.instant import SECOND
from distributedjob.model.stop import Scope
from distributedjob.services import nodes as node_verbs
from distributedjob.services.queues import Queue, list_queues, warnings_of
from distributedjob.services.stops import set_stop
from distributedjob.store import nodes, queues
from distributedjob.store.nodes import NodeRow
from distributedjob.store.orders import Wanted
from distributedjob.store.tables import execution, task
from support.office import ME, NOON, OTHER, Office


async def add_worker(office: Office, session: int, served: str, *, slots: int = 8) -> None:
    row = NodeRow(session, 0, f"node {session}", 1, "0.1.0", "worker", served, "", slots)
    await office.store.write(lambda c: nodes.register(c, row, now=office.now))


async def add_task(office: Office, queue: str) -> int:
    task_id = await office.add_task()
    await office.store.write(lambda c: c.execute(update(task).where(task.c.id == task_id).values(queue=queue)))
    return task_id


async def listed(office: Office) -> dict[str, Queue]:
    return {queue.name: queue for queue in await office.desk.read(list_queues)}


async def wait_in(office: Office, queue: str, *, runs: int = 1) -> None:
    task_id = await office.add_task()
    for _ in range(runs):
        run = await office.run_by_hand(task_id)
        moved = update(execution).where(execution.c.id == run.id).values(queue=queue)
        await office.store.write(lambda c, moved=moved: c.execute(moved))
    await office.store.write(lambda c: c.execute(update(task).where(task.c.id == task_id).values(queue="elsewhere")))


async def test_a_queue_is_found_by_its_task_its_executions_or_its_worker(office: Office) -> None:
    await add_task(office, "of-a-task")
    await wait_in(office, "of-an-execution")
    await add_worker(office, ME, "of-a-worker,and-another")
    assert set(await listed(office)) == {"of-a-task", "of-an-execution", "of-a-worker", "and-another", "elsewhere"}


async def test_workers_and_slots_add_up(office: Office) -> None:
    await add_worker(office, ME, "default,slow", slots=3)
    await add_worker(office, OTHER, "slow", slots=4)
    found = await listed(office)
    assert {name: (queue.workers, queue.slots) for name, queue in found.items()} == {"default": (1, 3), "slow": (2, 7)}


async def test_what_waits_is_counted_with_the_age_of_the_oldest(office: Office) -> None:
    await wait_in(office, "slow", runs=2)
    office.now += 5 * SECOND
    await wait_in(office, "slow")
    found = (await listed(office))["slow"]
    assert (found.pending, found.oldest_at, found.more_than) == (3, NOON, False)


async def test_a_count_ends_somewhere_and_says_so(office: Office, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    for module in ("distributedjob.store.queues", "distributedjob.services.queues"):
        monkeypatch.setattr(f"{module}.COUNTED", 2)
    await wait_in(office, "slow", runs=3)
    found = (await listed(office))["slow"]
    assert (found.pending, found.more_than) == (2, True)


async def test_a_queue_in_use_lacks_a_worker_until_one_serves_it(office: Office) -> None:
    await add_task(office, "slow")
    before = (await listed(office))["slow"].lacks_worker
    await add_worker(office, ME, "slow")
    assert (before, (await listed(office))["slow"].lacks_worker) == (True, False)


async def test_a_cordoned_worker_serves_nothing_and_neither_does_one_that_leaves(office: Office) -> None:
    await add_task(office, "slow")
    for session in (ME, OTHER):
        await add_worker(office, session, "slow")
    await office.store.write(lambda c: nodes.leave(c, session=OTHER))
    leaving = (await listed(office))["slow"].workers
    await office.desk.write(
        lambda tx: node_verbs.give_order(tx, f"node {ME}", principal=SYSTEM, wanted=Wanted.CORDONED, reason="")
    )
    found = (await listed(office))["slow"]
    assert (leaving, found.workers, found.lacks_worker) == (1, 0, True)


async def test_a_queue_that_nobody_uses_lacks_nothing(office: Office) -> None:
    await add_worker(office, ME, "slow")
    assert not (await listed(office))["slow"].lacks_worker


async def test_a_stopped_queue_says_so(office: Office) -> None:
    await add_worker(office, ME, "slow,default")
    await office.desk.write(
        lambda tx: set_stop(tx, principal=SYSTEM, scope=Scope.QUEUE, subject="slow", reason="x", expires_at=None)
    )
    assert {name: queue.stopped for name, queue in (await listed(office)).items()} == {"slow": True, "default": False}


async def test_there_is_a_warning_for_each_queue_without_a_worker(office: Office) -> None:
    await add_worker(office, ME, "default")
    found = await office.desk.read(lambda tx: warnings_of(tx, ["default", "slow"]))
    assert (list(found), "'slow'" in found["slow"]) == (["slow"], True)


async def test_a_task_that_moves_to_another_queue_is_found_there(office: Office) -> None:
    task_id = await add_task(office, "slow")

    def save(connection: Connection) -> None:
        from distributedjob.store import tasks

        row = tasks.find_task(connection, task_id, principal=SYSTEM)
        assert row is not None
        tasks.update_task(connection, row._replace(queue="fast"))

    await office.store.write(save)
    assert await office.store.read(queues.list_task_queues) == ["fast"]
