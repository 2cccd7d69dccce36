"""Claims for slots that are about to become free: never more calls than slots, and nothing kept from others."""

import asyncio

from distributedjob.model.execution import Hint, State
from distributedjob.model.target import HttpTarget as Target
from distributedjob.services.ending import cancel
from distributedjob.worker.worker import PATIENCE_SECONDS
from support.http_target import Answer, Hang
from support.shop import SLOTS, Shop
from support.waiting import until

AHEAD = SLOTS // 2


async def hints_of(shop: Shop, count: int) -> list[Hint]:
    task_id = await shop.office.add_task(target=Target(url=shop.target.url("/run")))
    rows = [await shop.office.run_by_hand(task_id) for _ in range(count)]
    return [Hint(row.id, 0, row.not_before, "default") for row in rows]


async def hinted(shop: Shop, count: int, *, calls_lasted: float) -> list[Hint]:
    """Executions that nobody has claimed, told to a worker whose calls lasted so long before."""
    for _ in range(400):
        shop.worker.slots.ahead.note(calls_lasted)
    hints = await hints_of(shop, count)
    shop.open("intake")
    for hint in hints:
        shop.worker.intake.hint(hint)
    return hints


async def hold(shop: Shop, *, calls_lasted: float) -> list[Hint]:
    """Hang in every slot; returns the hints of more than all of them."""
    shop.target.default = Hang()
    hints = await hinted(shop, 3 * SLOTS, calls_lasted=calls_lasted)
    await shop.called(SLOTS)
    return hints


async def claimed_ahead(shop: Shop) -> None:
    await until(lambda: shop.worker.slots.used == SLOTS + AHEAD)


async def states(shop: Shop, hints: list[Hint]) -> list[tuple[State, int]]:
    rows = [await shop.office.row(hint.id) for hint in hints]
    return [(State(row.state), row.attempt) for row in rows]


async def test_short_calls_are_claimed_ahead_and_wait_for_a_slot(shop: Shop) -> None:
    hints = await hold(shop, calls_lasted=0.01)
    await claimed_ahead(shop)
    await asyncio.sleep(0.05)
    assert len(shop.target.requests) == SLOTS
    assert await states(shop, hints) == [(State.RUNNING, 1)] * (SLOTS + AHEAD) + [(State.PENDING, 0)] * (
        len(hints) - SLOTS - AHEAD
    )


async def test_long_calls_leave_the_rest_to_others(shop: Shop) -> None:
    await hold(shop, calls_lasted=5.0)
    await asyncio.sleep(0.05)
    assert (shop.worker.slots.used, len(shop.target.requests)) == (SLOTS, SLOTS)


async def test_what_finds_no_slot_is_given_back_uncalled_and_no_more_is_claimed_ahead(shop: Shop) -> None:
    hints = await hold(shop, calls_lasted=0.01)
    await claimed_ahead(shop)
    await asyncio.sleep(PATIENCE_SECONDS)
    shop.worker.release_overdue()
    await until(lambda: len(shop.worker.runner.running) == SLOTS)
    given_back = hints[SLOTS : SLOTS + AHEAD]
    assert await states(shop, given_back) == [(State.PENDING, 0)] * AHEAD
    assert (shop.worker.slots.used, shop.worker.slots.room, len(shop.target.requests)) == (SLOTS, 0, SLOTS)


async def test_what_waits_shortly_is_kept(shop: Shop) -> None:
    await hold(shop, calls_lasted=0.01)
    await claimed_ahead(shop)
    shop.worker.release_overdue()
    assert shop.worker.slots.used == SLOTS + AHEAD


async def test_what_is_asked_to_stop_while_it_waits_is_cancelled(shop: Shop) -> None:
    hints = await hold(shop, calls_lasted=0.01)
    await claimed_ahead(shop)
    await shop.office.desk.write(lambda tx: cancel(tx, [hints[SLOTS].id]))
    await shop.worker.look_for_cancels()
    shop.worker.cordon()
    shop.worker.release_waiting()
    await until(lambda: len(shop.worker.runner.running) == SLOTS)
    assert [state for state, _ in await states(shop, hints[SLOTS : SLOTS + AHEAD])] == [
        State.CANCELLED,
        *[State.PENDING] * (AHEAD - 1),
    ]


async def test_never_more_calls_at_once_than_slots(shop: Shop) -> None:
    shop.target.default = Answer(delay_seconds=0.01)
    hints = await hinted(shop, 10 * SLOTS, calls_lasted=0.01)
    await until(lambda: not shop.worker.intake._hints and shop.worker.slots.used == 0)
    await shop.written()
    assert len(shop.target.requests) == len(hints)
    assert shop.target.connections <= SLOTS, "one connection carries one call at a time"
