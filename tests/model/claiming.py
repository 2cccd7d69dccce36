"""How a pending execution gets a holder: by a hint or by the pull, with an answer that may be late or lost."""

from model.assumptions import Setup
from model.step import Moves, step
from model.world import (
    ASKED,
    FAILED,
    GIVEN_BACK,
    LOOKED,
    MARKED,
    PENDING,
    QUEUED,
    RELEASED,
    RESULT,
    RUNNING,
    SENT,
    UP,
    Row,
    Run,
    Worker,
    World,
    session_of,
    with_row,
    with_run,
    with_worker,
)

IN_RUNNER = (QUEUED, MARKED, LOOKED, SENT, RESULT)
"""Stages in which the worker's runner knows a run."""


def runs_it(worker: Worker, number: int, fence: int) -> bool:
    return any(run.row == number and run.fence == fence and run.stage in IN_RUNNER for run in worker.runs)


@step("the hint of execution {row} is lost")
def lose_hint(setup: Setup, world: World) -> Moves:
    if not world.faults or "lose_hint" not in setup.may:
        return
    for number, row in enumerate(world.rows):
        if row.hinted:
            lost = with_row(world, number, row._replace(hinted=0))
            yield ("lose_hint", -1, number, ""), lost._replace(faults=world.faults - 1)


@step("worker {who} receives the hint of execution {row}", "worker.intake:Intake.hint")
def receive_hint(setup: Setup, world: World) -> Moves:
    if not setup.hinted:
        return
    for who, worker in enumerate(world.workers):
        if worker.up != UP or worker.leaving:
            continue
        for number, row in enumerate(world.rows):
            if row.hinted and not worker.inbox >> number & 1:
                read = with_worker(world, who, worker._replace(inbox=worker.inbox | 1 << number))
                yield ("receive_hint", who, number, ""), with_row(read, number, row._replace(hinted=0))


@step(
    "worker {who} claims execution {row}{how}",
    "worker.intake:Intake._claim",
    "worker.intake:Intake._by_hints",
    "worker.intake:Intake.pull",
    "store.hot.statements:HotStatements.claim",
    "store.hot.statements:HotStatements.pull",
)
def claim(setup: Setup, world: World) -> Moves:
    """A forged hint makes anybody try anything at any time; what does not match the conditions changes nothing."""
    for who, worker in enumerate(world.workers):
        if worker.up != UP or worker.leaving:
            continue
        for number, row in enumerate(world.rows):
            hinted = bool(worker.inbox >> number & 1)
            if _may_claim(setup, world, who, row) and (hinted or "no_pull" not in setup.broken):
                yield from _claimed(world, who, number, " by its hint" if setup.hinted and hinted else "")


def _may_claim(setup: Setup, world: World, who: int, row: Row) -> bool:
    if who and world.workers[who] == world.workers[0] and len(world.rows) == 1:
        return False  # where both workers are alike, the one that claims is called A
    if not _trusts(world.workers[who]) and not (world.faults and "claim_late" in setup.may):
        return False
    states: tuple[int, ...] = (PENDING,)
    if "claim_any_state" in setup.broken:
        return row.state != 0
    if "failed_is_claimable" in setup.broken:
        states = (PENDING, FAILED)
    return row.state in states and not row.asked and not row.late


def _trusts(worker: Worker) -> bool:
    """A node stops to take work soon after its beats have stopped; a claim in between is possible, but not for ever."""
    return bool(worker.fresh) and not worker.gone


def _claimed(world: World, who: int, number: int, how: str) -> Moves:
    worker, row = world.workers[who], world.rows[number]
    cost = 0 if _trusts(worker) else 1
    if cost:
        how += ", though its session is in doubt"
    taken = row._replace(
        state=RUNNING,
        holder=session_of(who, worker),
        fence=row.fence + 1,
        attempt=row.attempt + 1,
        marked=0,
        hinted=0,
    )
    heard = worker._replace(inbox=worker.inbox & ~(1 << number))
    claimed = with_row(world, number, taken)._replace(faults=world.faults - cost)
    run = Run(number, taken.fence, taken.attempt, QUEUED)
    yield ("claim", who, number, how), with_worker(claimed, who, with_run(heard, None, run))
    if claimed.faults:
        claimed = claimed._replace(faults=claimed.faults - 1)
        asked = with_run(heard, None, run._replace(stage=ASKED))
        yield ("claim", who, number, how + "; the answer is late"), with_worker(claimed, who, asked)
        yield ("claim", who, number, how + "; the answer is lost"), with_worker(claimed, who, heard)


@step(
    "a second claim of worker {who} meets execution {row}, which its session holds already",
    "store.hot.statements:HotStatements.claim",
)
def claim_again(setup: Setup, world: World) -> Moves:
    """The time of the claim is part of its identity, so the second claim returns nothing."""
    if "claims_what_is_held" not in setup.broken or not world.faults:
        return
    for who, worker in enumerate(world.workers):
        for number, row in enumerate(world.rows):
            if row.state == RUNNING and row.holder == session_of(who, worker) and worker.up == UP:
                run = Run(number, row.fence, row.attempt, ASKED)
                if run not in worker.runs:
                    again = with_worker(world, who, with_run(worker, None, run))
                    yield ("claim_again", who, number, ""), again._replace(faults=world.faults - 1)


@step("the answer to worker {who}'s claim of execution {row} arrives", "worker.runner:Runner.start")
def arrive(setup: Setup, world: World) -> Moves:
    for who, worker in enumerate(world.workers):
        if worker.up != UP:
            continue
        for run in worker.runs:
            if run.stage == ASKED:
                known = runs_it(worker, run.row, run.fence)
                started = with_run(worker, run, None if known else run._replace(stage=QUEUED))
                yield ("arrive", who, run.row, ""), with_worker(world, who, started)


@step(
    "worker {who} finds that it holds execution {row} and does not run it; it disowns the claim",
    "worker.reconciler:Reconciler._unknown",
    "worker.reconciler:Reconciler._end",
    "worker.runner:Runner.disown",
)
def reconcile(setup: Setup, world: World) -> Moves:
    if "no_reconciler" in setup.broken:
        return
    for who, worker in enumerate(world.workers):
        if worker.up != UP:
            continue
        session = session_of(who, worker)
        for number, row in enumerate(world.rows):
            held = row.state == RUNNING and row.holder == session
            released = Run(number, row.fence, row.attempt, GIVEN_BACK, RELEASED)
            if held and not runs_it(worker, number, row.fence) and released not in worker.runs:
                yield ("reconcile", who, number, ""), with_worker(world, who, _disowned(setup, worker, released))


def _disowned(setup: Setup, worker: Worker, released: Run) -> Worker:
    if "nothing_is_disowned" not in setup.broken:
        for run in worker.runs:
            if run.stage == ASKED and run.claim == released.claim:
                worker = with_run(worker, run, None)
    return with_run(worker, None, released)
