"""Results become final, once: bound to holder and fence, kept on disk while the database is away, replayed later."""

from model.assumptions import Setup
from model.calling import matches
from model.step import Moves, step
from model.world import (
    BLOCKED,
    CANCELLED,
    DOWN,
    FAILED,
    GIVEN_BACK,
    OUTSIDE,
    PENDING,
    RELEASED,
    RESULT,
    RETRY,
    RUNNING,
    SUCCEEDED,
    UNKNOWN,
    UP,
    Row,
    Run,
    World,
    session_of,
    with_row,
    with_run,
    with_worker,
)


def ended(setup: Setup, world: World, number: int, row: Row) -> World:
    """The row as it ends, and its gate left in the same transaction."""
    if "nobody_leaves_the_gate" not in setup.broken:
        row = row._replace(entry=OUTSIDE)
    if "counted_apart" in setup.broken:
        world = world._replace(count=max(0, world.count - 1))
    return with_row(world, number, row._replace(hinted=0))


def counts(setup: Setup, row: Row, holder: int, run: Run) -> str:
    """By which condition this word would be written now: `holder`, `rescued`, or none."""
    if _finish_matches(setup, row, holder, run):
        return "holder"
    if _rescued_matches(setup, row, holder, run):
        return "rescued"
    return ""


def _finish_matches(setup: Setup, row: Row, holder: int, run: Run) -> bool:
    if "result_without_fence" in setup.broken:
        return row.state != 0
    if "no_fence_in_finish" in setup.broken:
        return row.state == RUNNING and row.holder == holder
    return matches(row, holder, run)


def _rescued_matches(setup: Setup, row: Row, holder: int, run: Run) -> bool:
    """Rescued and not claimed since: the same attempt, one fence later."""
    if run.word not in (SUCCEEDED, FAILED):
        return False
    if "replay_ends_any_row" in setup.broken:
        return row.state in (PENDING, BLOCKED, RUNNING)
    unclaimed = row.state == PENDING and row.holder == holder and row.fence == run.fence + 1
    return unclaimed and row.attempt == run.attempt and not row.asked


def written(setup: Setup, world: World, holder: int, run: Run) -> World:
    """What the transaction that writes this word makes of the database; what does not count is evidence."""
    row = world.rows[run.row]
    by = counts(setup, row, holder, run)
    if not by:
        return world
    word = run.word
    if word in (RETRY, RELEASED):
        attempt = row.attempt - (word == RELEASED)
        if row.asked and "finish_ignores_cancel" not in setup.broken:
            return ended(setup, world, run.row, row._replace(state=CANCELLED, attempt=attempt))
        pending = row._replace(state=PENDING, attempt=attempt, marked=0, hinted=int(setup.hinted))
        return with_row(world, run.row, pending)
    return ended(setup, world, run.row, row._replace(state=word))


@step(
    "worker {who} writes its result of execution {row}: {how}",
    "worker.finisher:Finisher._write",
    "services.finishing:write_results",
    "store.hot.statements:HotStatements.finish",
    "store.hot.statements:HotStatements.finish_rescued",
    "store.hot.statements:HotStatements.leave_gates",
)
def write(setup: Setup, world: World) -> Moves:
    for who, worker in enumerate(world.workers):
        if worker.up != UP:
            continue
        holder = session_of(who, worker)
        for run in worker.runs:
            if run.stage != RESULT:
                continue
            after = written(setup, world, holder, run)
            how = SAID[run.word] if after is not world else f"{SAID[run.word]}, which is too late or said already"
            journal = tuple(other for other in worker.journal if other != run)
            heard = with_run(worker, run, None)._replace(journal=journal)
            yield ("write", who, run.row, how), with_worker(after, who, heard)
            if world.faults and after is not world:
                yield ("write", who, run.row, how + "; the answer is lost"), after._replace(faults=world.faults - 1)


SAID = {
    RETRY: "to be tried again",
    RELEASED: "given back uncalled",
    SUCCEEDED: "succeeded",
    FAILED: "failed",
    CANCELLED: "cancelled",
    UNKNOWN: "unknown",
}


@step(
    "worker {who} gives execution {row} back",
    "worker.reconciler:Reconciler._give_back",
    "store.hot.statements:HotStatements.finish",
)
def give_back(setup: Setup, world: World) -> Moves:
    for who, worker in enumerate(world.workers):
        if worker.up != UP:
            continue
        for run in worker.runs:
            if run.stage == GIVEN_BACK:
                after = written(setup, world, session_of(who, worker), run)
                yield ("give_back", who, run.row, ""), with_worker(after, who, with_run(worker, run, None))


@step(
    "the database is away, and worker {who} keeps its result of execution {row} on disk",
    "worker.finisher:Finisher._keep",
    "worker.finisher:Finisher.run",
    "worker.journal:Journal.append",
)
def keep(setup: Setup, world: World) -> Moves:
    if not world.faults or "keep" not in setup.may:
        return
    for who, worker in enumerate(world.workers):
        if worker.up != UP:
            continue
        for run in worker.runs:
            if run.stage == RESULT and run not in worker.journal:
                journal = tuple(sorted((*worker.journal, run)))
                kept = with_worker(world, who, worker._replace(journal=journal, faulty=1))
                yield ("keep", who, run.row, ""), kept._replace(faults=world.faults - 1)


@step(
    "worker {who}, started again, replays its journal under its old name: execution {row}",
    "worker.replay:replay_journals",
    "worker.journal:read_results",
)
def replay(setup: Setup, world: World) -> Moves:
    for who, worker in enumerate(world.workers):
        if worker.up != DOWN:
            continue
        for run in worker.journal:
            after = written(setup, world, session_of(who, worker), run)
            journal = tuple(other for other in worker.journal if other is not run)
            yield ("replay", who, run.row, ""), with_worker(after, who, worker._replace(journal=journal))
            if world.faults and after is not world:
                yield ("replay", who, run.row, "; the answer is lost"), after._replace(faults=world.faults - 1)
