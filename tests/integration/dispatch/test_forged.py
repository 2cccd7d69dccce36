"""Whoever may write to a topic can ask for a claim, and gets none that the database would not give to anybody."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import update

from distributedjob.dispatch.kafka.message import Due, encode, mark_of
from distributedjob.dispatch.kafka.reader import Mouth
from distributedjob.model.execution import State
from distributedjob.model.instant import SECOND
from distributedjob.store.hot.rows import ExecutionRow
from distributedjob.store.tables import execution
from support.http_target import HttpTarget
from support.kafka_post import CLUSTER_KEY, DEADLINE, KafkaPost, post_raw, present, until_within
from support.office import OTHER, open_office
from support.shop import SLOTS, Shop

EVER = 10**12


@pytest.fixture
async def shop(sqlite_url: str, http_target: HttpTarget, tmp_path: Path, post: KafkaPost) -> AsyncIterator[Shop]:
    """A whole worker that gets its hints through Kafka."""
    office = await open_office(sqlite_url)
    shop = Shop(office, http_target, tmp_path)
    shop.open("marker", "finisher", "runner", "intake")
    post.shift = office.now - present()
    intake = shop.worker.intake
    mouth = Mouth(take=intake.receive, appetite=lambda: intake.appetite, wanted=lambda: True)
    reader = post.kafka.reader("default", mouth=mouth)
    intake.on_room(reader.feed)
    task = asyncio.create_task(reader.run())
    await until_within(20, lambda: reader.assigned_at)
    yield shop
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await shop.close()
    await office.store.close()


async def pending(shop: Shop, **changes: object) -> ExecutionRow:
    """An execution that waits, or is made to look otherwise."""
    task_id = await shop.office.add_task()
    row = await shop.office.run_by_hand(task_id)
    if changes:
        change = update(execution).where(execution.c.id == row.id).values(**changes)
        await shop.office.store.write(lambda c: c.execute(change))
    return row


def forge(shop: Shop, post: KafkaPost, *hints: Due) -> None:
    """Messages as this cluster's own would be. Each partition gets them, whoever reads it."""
    post_raw(post.access, encode(hints, cluster=mark_of(CLUSTER_KEY), sent_at=shop.office.now))


async def test_a_forged_hint_claims_nothing_that_is_not_waiting_for_this_worker(shop: Shop, post: KafkaPost) -> None:
    rows = [
        await pending(shop, queue="elsewhere"),
        await pending(shop, state=State.RUNNING, holder=OTHER, fence=1),
        await pending(shop, state=State.SUCCEEDED, fence=1),
        await pending(shop, not_before=shop.office.now + 60 * SECOND),
        await pending(shop, deadline_at=shop.office.now - 1),
        await pending(shop, cancel_asked=True),
    ]
    before = [await shop.office.row(row.id) for row in rows]
    forged = [Due(row.id, fence, 0) for row in rows for fence in range(4)]
    forge(shop, post, *forged, Due(EVER, 0, 0))
    true = await pending(shop)
    forge(shop, post, Due(true.id, 7, 0))  # a wrong fence, and then the right one
    forge(shop, post, Due(true.id, 0, shop.office.now))
    await until_within(DEADLINE, lambda: post.value("hints_received_total") >= len(forged) + 3)
    await until_within(DEADLINE, lambda: shop.worker.slots.free == SLOTS and not shop.worker.intake.waiting)
    await shop.written()
    assert [await shop.office.row(row.id) for row in rows] == before
    assert (await shop.office.row(true.id)).attempt == 1


async def test_a_hint_that_comes_twice_is_run_once(shop: Shop, post: KafkaPost) -> None:
    row = await pending(shop)
    forge(shop, post, *[Due(row.id, 0, shop.office.now)] * 50)
    await until_within(DEADLINE, lambda: post.value("hints_received_total") >= 50)
    await until_within(DEADLINE, lambda: shop.worker.slots.free == SLOTS and not shop.worker.intake.waiting)
    await shop.written()
    assert (await shop.office.row(row.id)).attempt == 1
