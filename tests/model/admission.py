"""The gate of the task, held: entries read under its lock, and what is decided written in the same transaction."""

from model.assumptions import Setup
from model.step import Moves, step
from model.world import (
    BLOCKED,
    CANCELLED,
    EXPIRED,
    FIRST_TERMINAL,
    INSIDE,
    OUTSIDE,
    PENDING,
    RUNNING,
    SKIPPED,
    WAITING,
    Row,
    World,
    with_row,
    with_scheduler,
)

LIMIT = 1
"""Executions that may be unfinished inside the gate."""


def admit(setup: Setup, world: World, newcomer: int, *, scheduler: int) -> World:
    """The world with the newcomer's row written, and with what that means for those at the gate."""
    inside = [number for number, row in enumerate(world.rows) if row.entry == INSIDE]
    waiting = [number for number, row in enumerate(world.rows) if row.entry == WAITING]
    if "counted_apart" in setup.broken:
        return _by_count(setup, world, newcomer, scheduler)
    if len(inside) < LIMIT and not waiting:
        return with_row(world, newcomer, Row(PENDING, entry=INSIDE, hinted=int(setup.hinted)))
    match setup.overlap:
        case "skip":
            return _give_back(setup, with_row(world, newcomer, Row(SKIPPED)), newcomer)
        case "wait":
            return with_row(_supersede(setup, world, waiting), newcomer, Row(BLOCKED, entry=WAITING))
        case "replace":
            replaced = _supersede(setup, world, waiting)
            for number in inside:
                replaced = cancelled(replaced, number)
            return with_row(replaced, newcomer, Row(BLOCKED, entry=WAITING))
        case _:
            return with_row(world, newcomer, Row(BLOCKED, entry=WAITING))


def _by_count(setup: Setup, world: World, newcomer: int, scheduler: int) -> World:
    if world.count >= LIMIT:
        return with_row(world, newcomer, Row(SKIPPED))
    let_in = with_row(world, newcomer, Row(PENDING, hinted=int(setup.hinted)))
    return with_scheduler(let_in, scheduler, let_in.schedulers[scheduler]._replace(owed=newcomer))


def _supersede(setup: Setup, world: World, waiting: list[int]) -> World:
    for number in waiting:
        row = world.rows[number]
        if row.state in (PENDING, BLOCKED):
            world = _give_back(setup, with_row(world, number, row._replace(state=SKIPPED, entry=OUTSIDE)), number)
    return world


def _give_back(setup: Setup, world: World, number: int) -> World:
    """A fire that was skipped does not count against the maximum."""
    from_schedule = setup.recorded <= number < setup.first_manual
    if world.left < 0 or not from_schedule or "skipped_fires_count" in setup.broken:
        return world
    return world._replace(left=world.left + 1)


def cancelled(world: World, number: int) -> World:
    """Who waits is cancelled now, who runs is asked to stop."""
    row = world.rows[number]
    if row.state in (PENDING, BLOCKED):
        return with_row(world, number, row._replace(state=CANCELLED, entry=OUTSIDE, hinted=0))
    if row.state == RUNNING:
        return with_row(world, number, row._replace(asked=1))
    return world


@step(
    "the gate is visited and lets execution {row} in",
    "services.gatekeeper:open_gates",
    "services.gatekeeper:Gatekeeper.open",
    "rules.admission:let_in",
    "store.gates:unblock",
)
def visit_gate(setup: Setup, world: World) -> Moves:
    rows = world.rows
    waiting = [number for number, row in enumerate(rows) if row.entry == WAITING]
    if not waiting or "no_gate_rounds" in setup.broken:
        return
    inside = sum(row.entry == INSIDE for row in rows)
    for number in waiting[: max(0, LIMIT - inside)]:
        if rows[number].state == BLOCKED:
            let_in = rows[number]._replace(state=PENDING, entry=INSIDE, hinted=int(setup.hinted))
            yield ("visit_gate", -1, number, ""), with_row(world, number, let_in)


@step("somebody cancels execution {row}", "services.ending:cancel", "store.endings:ask_to_cancel")
def cancel(setup: Setup, world: World) -> Moves:
    if not world.wishes or "cancel" not in setup.may:
        return
    for number, row in enumerate(world.rows):
        if 0 < row.state < FIRST_TERMINAL and not row.asked:
            yield ("cancel", -1, number, ""), cancelled(world, number)._replace(wishes=world.wishes - 1)


@step("the deadline of execution {row} passes")
def deadline_passes(setup: Setup, world: World) -> Moves:
    if not world.wishes or "deadline_passes" not in setup.may:
        return
    for number, row in enumerate(world.rows):
        if 0 < row.state < FIRST_TERMINAL and not row.late:
            yield (
                ("deadline_passes", -1, number, ""),
                with_row(world, number, row._replace(late=1))._replace(wishes=world.wishes - 1),
            )


@step("the expirer ends execution {row}", "scheduler.expirer:Expirer.run_once", "store.endings:end_waiting")
def expire(setup: Setup, world: World) -> Moves:
    for number, row in enumerate(world.rows):
        if row.late and row.state in (PENDING, BLOCKED) and "no_expiry" not in setup.broken:
            ended = row._replace(state=EXPIRED, entry=OUTSIDE, hinted=0)
            yield ("expire", -1, number, ""), with_row(world, number, ended)
