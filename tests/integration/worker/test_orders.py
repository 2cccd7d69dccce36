"""Orders to a node, as its worker obeys them: read every second, kept over a restart, taken back by resume."""

import asyncio

import pytest
from structlog.testing import capture_logs

from distributedjob.model.execution import State
from distributedjob.model.identity import SYSTEM
from distributedjob.model.stop import Scope
from distributedjob.roles.orders import Orders
from distributedjob.services import nodes as verbs
from distributedjob.services.stops import lift_stop, set_stop
from distributedjob.store import nodes
from distributedjob.store.nodes import NodeRow
from distributedjob.store.orders import Wanted
from distributedjob.telemetry.events import Events
from support.http_target import Hang
from support.office import ME, OTHER
from support.shop import Shop

NAME = "one"
NAMESAKE = "another living node has this name; an order means both. Set node_name"


async def add_node(shop: Shop, session: int) -> None:
    row = NodeRow(session, 0, NAME, 1, "0.1.0", "worker", "default", "", 8)
    await shop.office.store.write(lambda c: nodes.register(c, row, now=shop.office.now))


def orders_of(shop: Shop, *, drain_seconds: float = 30.0) -> Orders:
    return Orders(desk=shop.office.desk, events=Events(), node_name=NAME, session=ME, drain_seconds=drain_seconds)


@pytest.fixture
async def orders(shop: Shop) -> Orders:
    """As a node has them: read once, then obeyed from the start."""
    await add_node(shop, ME)
    orders = orders_of(shop)
    await orders.run_once()
    orders.command(shop.worker)
    return orders


async def give(shop: Shop, wanted: Wanted, *readers: Orders) -> None:
    await shop.office.desk.write(
        lambda tx: verbs.give_order(tx, NAME, principal=SYSTEM, wanted=wanted, reason="new disk")
    )
    for reader in readers:
        await reader.run_once()


async def resume(shop: Shop, *readers: Orders) -> None:
    await shop.office.desk.write(lambda tx: verbs.resume(tx, NAME))
    for reader in readers:
        await reader.run_once()


async def test_a_cordoned_worker_takes_nothing_until_it_is_resumed(shop: Shop, orders: Orders) -> None:
    await give(shop, Wanted.CORDONED, orders)
    cordoned = (shop.worker.free, shop.worker.open)
    await resume(shop, orders)
    assert (cordoned, shop.worker.open) == ((0, False), True)


async def test_a_cordoned_worker_refuses_hints_so_that_others_get_them(shop: Shop, orders: Orders) -> None:
    run = await shop.office.run_by_hand(await shop.office.add_task())
    await give(shop, Wanted.CORDONED, orders)
    (hint,) = shop.office.hints()
    assert (hint.id, shop.worker.intake.hint(hint)) == (run.id, False)


async def test_what_runs_on_a_cordoned_worker_goes_on(shop: Shop, orders: Orders) -> None:
    shop.target.answers(Hang())
    await shop.run()
    await shop.called()
    await give(shop, Wanted.CORDONED, orders)
    await orders.run_once()
    assert [run.stop for run in shop.worker.runner.running.values()] == [None]


async def test_an_order_is_obeyed_from_the_start_after_a_restart(shop: Shop) -> None:
    await add_node(shop, ME)
    await give(shop, Wanted.CORDONED)
    orders = orders_of(shop)
    await orders.run_once()
    orders.command(shop.worker)
    assert not shop.worker.open


@pytest.mark.parametrize(("wanted", "drained"), [(Wanted.CORDONED, False), (Wanted.DRAINED, True)])
async def test_only_a_drained_node_is_to_do_nothing_at_all(
    shop: Shop, orders: Orders, wanted: Wanted, drained: bool
) -> None:
    await give(shop, wanted, orders)
    assert orders.drained == drained


async def test_a_drain_gives_back_what_has_not_started(closed_shop: Shop) -> None:
    closed_shop.open("marker", "finisher")
    await add_node(closed_shop, ME)
    orders = orders_of(closed_shop)
    orders.command(closed_shop.worker)
    claim = await closed_shop.run()
    await give(closed_shop, Wanted.DRAINED, orders)
    closed_shop.open("runner")
    assert await closed_shop.outcome(claim) == (State.PENDING, "released")
    assert closed_shop.target.requests == []


async def test_a_drain_cuts_what_is_in_the_air_when_its_time_is_up(shop: Shop) -> None:
    await add_node(shop, ME)
    orders = orders_of(shop, drain_seconds=0.2)
    orders.command(shop.worker)
    shop.target.answers(Hang())
    claim = await shop.run()
    await shop.called()
    await give(shop, Wanted.DRAINED, orders)
    running = (await shop.office.row(claim.id)).state
    async with asyncio.timeout(10):
        while shop.worker.runner.running:
            await orders.run_once()
    assert (running, await shop.outcome(claim)) == (State.RUNNING, (State.PENDING, "retry"))


async def test_a_drain_that_is_taken_back_in_time_cuts_nothing(shop: Shop) -> None:
    await add_node(shop, ME)
    orders = orders_of(shop, drain_seconds=0.0)
    shop.target.answers(Hang())
    await shop.run()
    await shop.called()
    await give(shop, Wanted.DRAINED, orders)
    await resume(shop, orders)
    orders.command(shop.worker)
    assert (shop.worker.open, [run.stop for run in shop.worker.runner.running.values()]) == (True, [None])


async def test_switches_are_read_and_told_once_and_lifted_ones_too(shop: Shop, orders: Orders) -> None:
    with capture_logs() as lines:
        stop = await shop.office.desk.write(
            lambda tx: set_stop(
                tx, principal=SYSTEM, scope=Scope.CLUSTER, subject="", reason="incident", expires_at=None
            )
        )
        await orders.run_once()
        await orders.run_once()
        stopped = bool(shop.office.desk.board.present)
        await shop.office.desk.write(lambda tx: lift_stop(tx, stop.id))
        await orders.run_once()
    words = ["a stop switch is in force; no call of it begins", "a stop switch is lifted"]
    assert (stopped, bool(shop.office.desk.board.present), [line["event"] for line in lines]) == (True, False, words)


async def beat(shop: Shop, session: int) -> None:
    await shop.office.store.write(lambda c: nodes.beat(c, session))


async def test_another_living_node_of_this_name_is_told(shop: Shop, orders: Orders) -> None:
    await add_node(shop, OTHER)
    with capture_logs() as lines:
        await orders.run_once()
        await beat(shop, OTHER)
        await orders.run_once()
    assert [(line["event"], line["other"]) for line in lines] == [(NAMESAKE, OTHER)]


async def test_a_predecessor_that_was_killed_is_no_namesake(shop: Shop, orders: Orders) -> None:
    await add_node(shop, OTHER)
    with capture_logs() as lines:
        await orders.run_once()
        await orders.run_once()
    assert lines == []


async def test_a_predecessor_that_leaves_is_no_namesake(shop: Shop, orders: Orders) -> None:
    await add_node(shop, OTHER)
    await shop.office.store.write(lambda c: nodes.leave(c, session=OTHER))
    with capture_logs() as lines:
        await orders.run_once()
        await beat(shop, OTHER)
        await orders.run_once()
    assert lines == []
