"""Executions whose worker is gone, or did not close them: taken away with the fence raised."""

from model.assumptions import Setup
from model.finishing import ended
from model.step import Moves, step
from model.world import (
    CANCELLED,
    FAILED,
    PENDING,
    RUNNING,
    UNKNOWN,
    UP,
    Row,
    World,
    is_gone,
    with_row,
    with_scheduler,
)


@step(
    "scheduler {who} finds execution {row} lost, by a look without a lock",
    "scheduler.rescuer:Rescuer.run_once",
    "store.runs:list_lost",
)
def find_lost(setup: Setup, world: World) -> Moves:
    if "no_rescue" in setup.broken:
        return
    for who, scheduler in enumerate(world.schedulers):
        for number, row in enumerate(world.rows):
            if scheduler.up != UP or row.state != RUNNING or not is_gone(world, row.holder):
                continue
            lost = (number, row.holder, row.fence, row.marked)
            if scheduler.lost != lost:
                found = with_scheduler(world, who, scheduler._replace(lost=lost))
                yield ("find_lost", who, number, ""), found


@step(
    "scheduler {who} rescues execution {row}{how}",
    "services.rescue:rescue",
    "store.runs:lock_lost",
    "rules.verdict:after_loss",
    "store.hot.statements:HotStatements.rescue",
)
def rescue(setup: Setup, world: World) -> Moves:
    for who, scheduler in enumerate(world.schedulers):
        if scheduler.up != UP or not scheduler.lost:
            continue
        number, holder, fence, marked = scheduler.lost
        row = world.rows[number]
        idle = with_scheduler(world, who, scheduler._replace(lost=()))
        if row.state != RUNNING or row.holder != holder or row.fence != fence:
            yield ("rescue", who, number, ": it moved on, nothing is done"), idle
            continue
        if "rescue_on_an_old_look" not in setup.broken:
            marked = row.marked
        yield ("rescue", who, number, ""), taken(setup, idle, number, row, marked=marked)


def taken(setup: Setup, world: World, number: int, row: Row, *, marked: int) -> World:
    """The row after a rescue; the start mark decides for `at_most_once`."""
    if "rescue_keeps_the_fence" not in setup.broken:
        row = row._replace(fence=row.fence + 1)
    if row.asked:
        return ended(setup, world, number, row._replace(state=CANCELLED))
    again = row._replace(state=PENDING, marked=0, hinted=int(setup.hinted))
    if setup.at_most_once:
        if marked:
            return ended(setup, world, number, row._replace(state=UNKNOWN))
        return with_row(world, number, again._replace(attempt=row.attempt - 1))
    if row.attempt >= setup.attempts:
        return ended(setup, world, number, row._replace(state=FAILED))
    return with_row(world, number, again)


@step(
    "the grace of execution {row} is over, and it is cancelled",
    "scheduler.expirer:CancelWatch.run_once",
    "store.runs:list_cancel_asked",
)
def end_grace(setup: Setup, world: World) -> Moves:
    for number, row in enumerate(world.rows):
        if row.state == RUNNING and row.asked and "no_cancel_watch" not in setup.broken:
            yield ("end_grace", -1, number, ""), taken(setup, world, number, row, marked=row.marked)
