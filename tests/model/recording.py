"""Due fires become rows: a look without a lock, then one transaction that locks, plans, inserts, moves the cursor."""

from model.admission import admit
from model.assumptions import Setup
from model.step import Moves, step
from model.world import (
    FIRST_TERMINAL,
    FROZEN,
    INSIDE,
    MISSED,
    PENDING,
    QUEUED,
    RUNNING,
    UP,
    Row,
    Run,
    World,
    session_of,
    with_row,
    with_run,
    with_scheduler,
    with_worker,
)


def is_due(setup: Setup, world: World) -> bool:
    return world.cursor < setup.fires and world.left != 0 and world.awaited < 0


@step(
    "scheduler {who} finds fire {row} due, by a look without a lock",
    "scheduler.recorder:WindowReader.run_once",
    "store.hot.statements:HotStatements.list_due",
)
def see(setup: Setup, world: World) -> Moves:
    if not (setup.windows and is_due(setup, world)):
        return
    for number, scheduler in enumerate(world.schedulers):
        if scheduler.up == UP and scheduler.seen != world.cursor:
            seen = scheduler._replace(seen=world.cursor)
            yield ("see", number, world.cursor, ""), with_scheduler(world, number, seen)


@step(
    "scheduler {who} locks the schedule and plans fire {row}",
    "services.recording:record_free",
    "services.recording:record_due",
    "store.hot.statements:HotStatements.lock_free_schedules",
    "store.hot.statements:HotStatements.lock_schedules",
)
def lock(setup: Setup, world: World) -> Moves:
    if not setup.windows or world.lock:
        return
    for number, scheduler in enumerate(world.schedulers):
        if scheduler.up != UP or scheduler.seen < 0 or scheduler.owed >= 0:
            continue
        unlocked_plan = "planned_before_the_lock" in setup.broken
        if not unlocked_plan and not is_due(setup, world):
            # Somebody else decided it; this look was a query for nothing.
            yield (
                ("lock", number, scheduler.seen, "found decided"),
                with_scheduler(world, number, scheduler._replace(seen=-1)),
            )
            continue
        fire = scheduler.seen if unlocked_plan else world.cursor
        planned = with_scheduler(world, number, scheduler._replace(seen=-1, plan=fire))
        yield ("lock", number, fire, ""), planned._replace(lock=number + 1)


@step(
    "scheduler {who} records fire {row} and moves the cursor in one transaction{how}",
    "services.batch:RecordingBatch.write",
    "services.batch:RecordingBatch.add",
    "store.hot.statements:HotStatements.insert_executions",
    "store.hot.statements:HotStatements.move_cursors",
    "services.gatekeeper:Gatekeeper.admit",
    "services.gatekeeper:Gatekeeper.write",
    "services.fires_left:give_back_fires",
    "rules.misfire:plan",
)
def record(setup: Setup, world: World) -> Moves:
    for number, scheduler in enumerate(world.schedulers):
        if scheduler.up != UP or scheduler.owed >= 0:
            continue
        if scheduler.plan >= 0:
            yield from _commit(setup, world, number, scheduler.plan)
        elif not setup.windows and is_due(setup, world):
            yield from _commit(setup, world, number, world.cursor)


def _commit(setup: Setup, world: World, number: int, fire: int) -> Moves:
    scheduler = world.schedulers[number]._replace(plan=-1)
    if "cursor_before_rows" in setup.broken:
        moved = with_scheduler(world, number, scheduler._replace(owed=fire))
        yield ("record", number, fire, ", or rather moves the cursor"), moved._replace(cursor=fire + 1, lock=0)
        return
    done = with_scheduler(world, number, scheduler)._replace(lock=0)
    if "rows_before_cursor" in setup.broken:
        rows_only = with_scheduler(world, number, scheduler._replace(owed=fire))._replace(lock=0)
        for how, decided in decisions(setup, rows_only, number, fire):
            yield ("record", number, fire, how + ", or rather its row"), decided
        return
    for how, decided in decisions(setup, done, number, fire):
        yield ("record", number, fire, how), decided._replace(cursor=max(world.cursor, fire + 1))


@step("scheduler {who} does the rest for fire {row} in another transaction{how}")
def pay(setup: Setup, world: World) -> Moves:
    for number, scheduler in enumerate(world.schedulers):
        if scheduler.up != UP or scheduler.owed < 0:
            continue
        fire = scheduler.owed
        paid = with_scheduler(world, number, scheduler._replace(owed=-1))
        if "counted_apart" in setup.broken:
            yield ("pay", number, fire, ""), paid._replace(count=world.count + 1)
        elif "rows_before_cursor" in setup.broken:
            yield ("pay", number, fire, ""), paid._replace(cursor=max(world.cursor, fire + 1))
        else:
            for how, decided in decisions(setup, paid, number, fire):
                yield ("pay", number, fire, how), decided


NO_KEY = frozenset({"rows_before_cursor", "planned_before_the_lock"})
"""Variants that have no unique key on fires."""


def decisions(setup: Setup, world: World, scheduler: int, fire: int) -> list[tuple[str, World]]:
    """The ways in which a fire can be decided; none changes anything where the unique key knows it already."""
    if world.decided[fire] and not (NO_KEY & setup.broken):
        return [(", a duplicate", world)]
    number = setup.row_of(fire)
    counts = tuple(min(2, n + (k == fire)) for k, n in enumerate(world.decided))
    world = world._replace(decided=counts)
    found = []
    if setup.misfires and fire < setup.fires - 1:
        found.append((", as missed", with_row(world, number, Row(MISSED))))
    counted = world._replace(
        left=world.left - 1 if world.left > 0 else world.left, awaited=number if setup.from_end else -1
    )
    if world.gated:
        return [*found, ("", admit(setup, counted, number, scheduler=scheduler))]
    found.append(("", with_row(counted, number, Row(PENDING, hinted=int(setup.hinted)))))
    if setup.embedded and world.workers[scheduler].up == UP and not world.workers[scheduler].leaving:
        found.extend(_as_claimed(counted, number, scheduler))
    return found


def _as_claimed(world: World, number: int, scheduler: int) -> list[tuple[str, World]]:
    """Recorded as claimed by the worker of the same process, which hears of it if the answer comes."""
    worker = world.workers[scheduler]
    taken = with_row(world, number, Row(RUNNING, session_of(scheduler, worker), fence=1, attempt=1))
    heard = with_worker(taken, scheduler, with_run(worker, None, Run(number, 1, 1, QUEUED)))
    found = [(", as claimed by its own worker", heard)]
    if world.faults:
        found.append((", as claimed; the answer is lost", taken._replace(faults=world.faults - 1)))
    return found


@step(
    "the owner sees that execution {row} has ended, and sets the cursor",
    "scheduler.follower:follow",
    "store.followers:lock_follower",
)
def follow(setup: Setup, world: World) -> Moves:
    if world.awaited >= 0 and world.rows[world.awaited].state >= FIRST_TERMINAL and "no_follower" not in setup.broken:
        yield ("follow", -1, world.awaited, ""), world._replace(awaited=-1)


@step("scheduler {who} dies; what it did not commit is rolled back")
def scheduler_dies(setup: Setup, world: World) -> Moves:
    if not world.faults or "scheduler_dies" not in setup.may:
        return
    for number, scheduler in enumerate(world.schedulers):
        if scheduler != (fresh := scheduler._replace(up=UP, seen=-1, plan=-1, owed=-1, lost=())):
            died = with_scheduler(world, number, fresh)._replace(faults=world.faults - 1)
            yield ("scheduler_dies", number, -1, ""), died._replace(lock=0 if world.lock == number + 1 else world.lock)


@step("scheduler {who} freezes inside its transaction, and keeps its locks")
def scheduler_freezes(setup: Setup, world: World) -> Moves:
    if not world.faults or not world.lock or "scheduler_freezes" not in setup.may:
        return
    number = world.lock - 1
    if all(scheduler.up == UP for scheduler in world.schedulers):
        frozen = world.schedulers[number]._replace(up=FROZEN)
        yield (
            ("scheduler_freezes", number, -1, ""),
            with_scheduler(world, number, frozen)._replace(faults=world.faults - 1),
        )


@step(
    "the server ends the idle transaction of scheduler {who}",
    "store.session:IDLE_SECONDS",
    "store.session:wanted_of",
    "store.session:wanted_of_mariadb",
)
def server_ends_transaction(setup: Setup, world: World) -> Moves:
    if not world.lock or "idle_transactions_live_on" in setup.broken:
        return
    number = world.lock - 1
    if world.schedulers[number].up == FROZEN:
        ended = with_scheduler(world, number, world.schedulers[number]._replace(plan=-1))
        yield ("server_ends_transaction", number, -1, ""), ended._replace(lock=0)


@step("scheduler {who} thaws")
def scheduler_thaws(setup: Setup, world: World) -> Moves:
    for number, scheduler in enumerate(world.schedulers):
        if scheduler.up == FROZEN:
            yield ("scheduler_thaws", number, -1, ""), with_scheduler(world, number, scheduler._replace(up=UP))


@step(
    "somebody runs the task by hand: execution {row}",
    "services.recording:record_manual",
    "services.runs:run_task",
)
def run_by_hand(setup: Setup, world: World) -> Moves:
    if not world.wishes or "run_by_hand" not in setup.may:
        return
    for number in range(setup.first_manual, len(world.rows)):
        if world.rows[number].state:
            continue
        # The last scheduler's process stands for the one that serves the API.
        asked = world._replace(wishes=world.wishes - 1)
        server = len(world.schedulers) - 1
        if world.schedulers[server].owed < 0:
            made = with_row(asked, number, Row(PENDING, hinted=int(setup.hinted)))
            yield (
                ("run_by_hand", server, number, ""),
                (admit(setup, asked, number, scheduler=server) if world.gated else made),
            )
        return


@step("a save turns the gate on, and writes entries for what is under way", "services.gatekeeper:turn_on")
def turn_gate_on(setup: Setup, world: World) -> Moves:
    if not setup.gate_later or world.gated or not world.wishes:
        return
    gated = world._replace(gated=1, wishes=world.wishes - 1)
    for number, row in enumerate(world.rows):
        if 0 < row.state < FIRST_TERMINAL and "gate_without_entries" not in setup.broken:
            gated = with_row(gated, number, row._replace(entry=INSIDE))
    yield ("turn_gate_on", -1, -1, ""), gated
