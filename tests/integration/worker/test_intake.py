"""Hints are claimed at their time and when a slot is free; the pull finds what no hint brought."""

import asyncio

import pytest
from sqlalchemy import update

from distributedjob.model.execution import Hint, State
from distributedjob.model.instant import SECOND
from distributedjob.store.tables import execution
from distributedjob.worker.puller import HEAL_AFTER, Puller
from support.cut_store import CutStore
from support.office import NOON, OTHER
from support.shop import SLOTS, Shop
from support.waiting import until


async def pending(shop: Shop, count: int = 1) -> list[Hint]:
    """Executions that nobody has claimed, as the hints that name them."""
    task_id = await shop.office.add_task()
    rows = [await shop.office.run_by_hand(task_id) for _ in range(count)]
    return [Hint(row.id, 0, row.not_before, "default") for row in rows]


def hint(shop: Shop, *hints: Hint) -> None:
    for one in hints:
        shop.worker.intake.hint(one)


async def pull(shop: Shop, *, hinted: bool = False) -> list[int]:
    """Pull until there is no more, or no more room; returns the counts that were told."""
    counts: list[int] = []
    puller = Puller(
        shop.worker.intake, hinted=lambda: hinted, clock=iter(range(0, 1_000, 2)).__next__, on_pulled=counts.append
    )
    while await puller.run_once() and shop.worker.slots.free:
        pass
    return counts


def claimed(shop: Shop) -> list[int]:
    return sorted(id_ for id_, _ in shop.worker.runner.running)


async def test_a_hinted_execution_is_claimed_and_run(shop: Shop) -> None:
    shop.open("intake")
    (one,) = await pending(shop)
    hint(shop, one)
    await until(lambda: not shop.worker.intake._hints and shop.worker.slots.used == 0)
    await shop.written()
    assert (await shop.office.row(one.id)).attempt == 1


async def test_no_more_is_claimed_than_there_are_slots(closed_shop: Shop) -> None:
    hints = await pending(closed_shop, SLOTS + 3)
    closed_shop.open("intake")
    hint(closed_shop, *hints)
    await until(lambda: len(claimed(closed_shop)) == SLOTS)
    states = [await closed_shop.office.state(one.id) for one in hints]
    assert (states.count(State.RUNNING), closed_shop.worker.slots.free) == (SLOTS, 0)


async def test_a_freed_slot_is_taken_by_the_next_hint(shop: Shop) -> None:
    hints = await pending(shop, SLOTS + 3)
    shop.open("intake")
    hint(shop, *hints)
    await until(lambda: not shop.worker.intake._hints and shop.worker.slots.used == 0)
    await shop.written()
    assert [(await shop.office.row(one.id)).attempt for one in hints] == [1] * len(hints)


async def test_a_hint_waits_for_its_time(closed_shop: Shop) -> None:
    (one,) = await pending(closed_shop)
    closed_shop.open("intake")
    hint(closed_shop, Hint(one.id, 0, NOON + SECOND, "default"))
    await asyncio.sleep(0.05)
    before = claimed(closed_shop)
    closed_shop.office.now += SECOND
    await until(lambda: claimed(closed_shop))
    assert (before, claimed(closed_shop)) == ([], [one.id])


async def test_a_hint_for_another_queue_is_not_ours(closed_shop: Shop) -> None:
    hint(closed_shop, Hint(1, 0, NOON, "elsewhere"))
    assert len(closed_shop.worker.intake._hints) == 0


@pytest.mark.parametrize("fence", [1, 7])
async def test_a_hint_with_an_old_word_claims_nothing_and_keeps_no_slot(closed_shop: Shop, fence: int) -> None:
    (one,) = await pending(closed_shop)
    closed_shop.open("intake")
    hint(closed_shop, Hint(one.id, fence, NOON, "default"))
    await until(lambda: not closed_shop.worker.intake._hints and closed_shop.worker.slots.used == 0)
    assert await closed_shop.office.state(one.id) is State.PENDING


async def test_the_pull_finds_what_no_hint_brought(closed_shop: Shop) -> None:
    hints = await pending(closed_shop, 2)
    closed_shop.office.now += HEAL_AFTER
    counts = await pull(closed_shop, hinted=True)
    assert (claimed(closed_shop), sum(counts)) == ([one.id for one in hints], 2)


async def test_the_pull_leaves_hints_a_moment(closed_shop: Shop) -> None:
    await pending(closed_shop)
    closed_shop.office.now += HEAL_AFTER - 1
    await pull(closed_shop, hinted=True)
    assert (claimed(closed_shop), closed_shop.worker.slots.used) == ([], 0)


async def test_the_pull_goes_by_priority(closed_shop: Shop) -> None:
    hints = await pending(closed_shop, SLOTS + 2)
    urgent = [one.id for one in hints[-SLOTS:]]
    change = update(execution).where(execution.c.id.in_(urgent)).values(priority=0)
    await closed_shop.office.store.write(lambda c: c.execute(change))
    await pull(closed_shop)
    assert claimed(closed_shop) == urgent


async def test_what_a_pull_has_taken_a_hint_does_not_take_again(closed_shop: Shop) -> None:
    (one,) = await pending(closed_shop)
    await pull(closed_shop)
    closed_shop.open("intake")
    hint(closed_shop, one)
    await until(lambda: not closed_shop.worker.intake._hints and closed_shop.worker.slots.used == 1)
    closed_shop.open("marker", "finisher", "runner")
    await closed_shop.written()
    assert (await closed_shop.office.row(one.id)).attempt == 1
    assert closed_shop.worker.slots.used == 0


async def test_a_hint_and_a_pull_at_once_run_it_once(closed_shop: Shop) -> None:
    hints = await pending(closed_shop, SLOTS)
    closed_shop.open("intake")
    hint(closed_shop, *hints)
    closed_shop.office.now += HEAL_AFTER
    await pull(closed_shop, hinted=True)
    await until(lambda: not closed_shop.worker.intake._hints and len(claimed(closed_shop)) == SLOTS)
    assert (closed_shop.worker.runner._queue.qsize(), closed_shop.worker.slots.used) == (SLOTS, SLOTS)


async def test_a_claim_that_meets_an_outage_keeps_no_slot(closed_shop: Shop) -> None:
    hints = await pending(closed_shop, 3)
    door = CutStore(closed_shop.office.store, away=True)
    closed_shop.office.reopen(door)
    closed_shop.rebuild()
    closed_shop.open("intake")
    hint(closed_shop, *hints)
    await until(lambda: door.tries and closed_shop.worker.slots.used == 0)
    assert claimed(closed_shop) == []


async def test_stopping_in_the_middle_of_claims_keeps_no_slot(closed_shop: Shop) -> None:
    (one,) = await pending(closed_shop)
    hint(closed_shop, one, Hint(999, 0, NOON, "other"))
    ready = closed_shop.worker.intake._ready()
    task = asyncio.create_task(closed_shop.worker.intake._claim_hinted(ready))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert closed_shop.worker.slots.used == 0


async def test_what_another_session_claimed_is_not_ours(closed_shop: Shop) -> None:
    (one,) = await pending(closed_shop)
    await closed_shop.office.claim((one.id, 0), session=OTHER)
    closed_shop.open("intake")
    hint(closed_shop, one)
    await until(lambda: not closed_shop.worker.intake._hints and closed_shop.worker.slots.used == 0)
    assert claimed(closed_shop) == []


async def test_a_worker_that_is_shut_claims_nothing(closed_shop: Shop) -> None:
    await pending(closed_shop)
    closed_shop.worker.slots.fit = False
    await pull(closed_shop)
    assert claimed(closed_shop) == []


async def test_a_hint_is_taken_from_others_only_where_a_slot_is_free_for_it(closed_shop: Shop) -> None:
    hints = await pending(closed_shop, SLOTS + 2)
    taken = [closed_shop.worker.intake.offer(one) for one in hints]
    assert taken == [True] * SLOTS + [False] * 2


async def test_the_appetite_is_for_the_slots_and_as_many_in_wait(closed_shop: Shop) -> None:
    intake, hints = closed_shop.worker.intake, await pending(closed_shop, 3 * SLOTS)
    before = intake.appetite
    intake.receive("default", [(one.id, one.fence, one.not_before) for one in hints])
    closed_shop.worker.slots.take(SLOTS)
    assert (before, intake.appetite, intake.waiting) == (2 * SLOTS, -2 * SLOTS, 3 * SLOTS)


async def test_what_waits_for_its_time_spoils_no_appetite(closed_shop: Shop) -> None:
    closed_shop.worker.intake.receive("default", [(id_, 0, NOON + SECOND) for id_ in range(100)])
    assert closed_shop.worker.intake.appetite == 2 * SLOTS


async def test_a_node_that_is_not_fit_has_no_appetite(closed_shop: Shop) -> None:
    closed_shop.worker.slots.fit = False
    assert closed_shop.worker.intake.appetite == 0


async def test_room_is_told_when_a_call_ends(shop: Shop) -> None:
    told: list[int] = []
    shop.worker.intake.on_room(lambda: told.append(shop.worker.slots.free))
    await shop.run()
    await shop.written()
    assert told == [SLOTS]


@pytest.mark.parametrize(("hinted", "looks"), [(True, [1, 1, 1, 2]), (False, [1, 2, 3, 4])])
async def test_while_hints_flow_the_pull_looks_once_a_second(closed_shop: Shop, hinted: bool, looks: list[int]) -> None:
    pulled: list[int] = []
    clock = iter([0.0, 0.5, 0.99, 1.0, 1.9]).__next__
    puller = Puller(closed_shop.worker.intake, hinted=lambda: hinted, clock=clock, on_pulled=pulled.append)
    counts = []
    for _ in range(4):
        await pending(closed_shop)
        closed_shop.office.now += HEAL_AFTER
        await puller.run_once()
        counts.append(len(pulled))
    assert counts == looks


async def test_the_heal_goes_on_while_it_finds_more_and_no_hint_waits(closed_shop: Shop) -> None:
    await pending(closed_shop, SLOTS)
    closed_shop.office.now += HEAL_AFTER
    intake = closed_shop.worker.intake
    alone = await intake.heal(HEAL_AFTER)
    intake.receive("default", [(1, 0, NOON)])
    beside = await intake.heal(HEAL_AFTER)
    assert (alone, beside) == ((SLOTS // 2, True), (SLOTS // 4, False))
