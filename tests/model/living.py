"""Sessions: beats that stop, processes that die, freeze and come back, and who is declared dead when."""

from model.assumptions import Setup
from model.step import Moves, step
from model.world import ASKED, DOWN, FROZEN, GIVEN_BACK, RESULT, UP, Worker, World, with_worker


def _faulty(setup: Setup, world: World, name: str) -> list[tuple[int, Worker]]:
    if not world.faults or name not in setup.may:
        return []
    return [(who, worker) for who, worker in enumerate(world.workers) if worker.up == UP]


@step("worker {who} dies")
def crash(setup: Setup, world: World) -> Moves:
    for who, worker in _faulty(setup, world, "crash"):
        died = worker._replace(up=DOWN, runs=(), inbox=0, fresh=0, leaving=0, faulty=1)
        yield ("crash", who, -1, ""), with_worker(world, who, died)._replace(faults=world.faults - 1)


@step("worker {who} freezes")
def freeze(setup: Setup, world: World) -> Moves:
    """One at a time: nobody is left to go on when all are frozen for ever."""
    if any(worker.up == FROZEN for worker in world.workers):
        return
    for who, worker in _faulty(setup, world, "freeze"):
        frozen = worker._replace(up=FROZEN, fresh=0, faulty=1)
        yield ("freeze", who, -1, ""), with_worker(world, who, frozen)._replace(faults=world.faults - 1)


@step("worker {who} thaws")
def thaw(setup: Setup, world: World) -> Moves:
    for who, worker in enumerate(world.workers):
        if worker.up == FROZEN:
            yield ("thaw", who, -1, ""), with_worker(world, who, worker._replace(up=UP))


@step("the beats of worker {who} do not get through any more", "cluster.sql:SqlMembership.fresh")
def lapse(setup: Setup, world: World) -> Moves:
    for who, worker in _faulty(setup, world, "lapse"):
        if worker.fresh:
            lapsed = worker._replace(fresh=0, faulty=1)
            yield ("lapse", who, -1, ""), with_worker(world, who, lapsed)._replace(faults=world.faults - 1)


@step(
    "worker {who} beats{how}",
    "cluster.sql:SqlMembership._beat",
    "store.nodes:beat",
    "node:Node._lose",
)
def beat(setup: Setup, world: World) -> Moves:
    for who, worker in enumerate(world.workers):
        if worker.up != UP or worker.leaving:
            continue
        if worker.gone:
            yield (
                ("beat", who, -1, ", and learns that it was declared dead"),
                with_worker(world, who, worker._replace(leaving=1, fresh=0)),
            )
        elif not worker.fresh:
            yield ("beat", who, -1, ""), with_worker(world, who, worker._replace(fresh=1))


@step(
    "worker {who} is declared dead",
    "cluster.observer:Observer.dead",
    "store.nodes:declare_dead",
)
def declare_dead(setup: Setup, world: World) -> Moves:
    """Fifteen seconds without a beat: long after the victim itself has stopped to trust its session."""
    for who, worker in enumerate(world.workers):
        if worker.gone:
            continue
        dead = with_worker(world, who, worker._replace(gone=1))
        if not worker.fresh:
            yield ("declare_dead", who, -1, ""), dead
        elif setup.lying_clocks and world.faults:
            wronged = with_worker(world, who, worker._replace(gone=1, faulty=1))
            yield ("declare_dead", who, -1, ""), wronged._replace(faults=world.faults - 1)
        elif "dead_by_wall_clock" in setup.broken and world.faults:
            yield ("declare_dead", who, -1, ""), dead._replace(faults=world.faults - 1)


@step("worker {who} is told to stop", "node:Node.run")
def stop(setup: Setup, world: World) -> Moves:
    if not world.wishes or "stop" not in setup.may:
        return
    for who, worker in enumerate(world.workers):
        if worker.up == UP and not worker.leaving:
            leaving = with_worker(world, who, worker._replace(leaving=1))
            yield ("stop", who, -1, ""), leaving._replace(wishes=world.wishes - 1)


@step("worker {who} stops, with everything written or on disk", "node:Node._end", "store.nodes:end_session")
def end_session(setup: Setup, world: World) -> Moves:
    for who, worker in enumerate(world.workers):
        if worker.up != UP or not worker.leaving:
            continue
        open_ = [run for run in worker.runs if run.stage not in (ASKED, GIVEN_BACK)]
        kept = all(run.stage == RESULT and run in worker.journal for run in open_)
        if kept or "leaving_forgets_results" in setup.broken:
            gone = worker.gone or int(not worker.journal)  # what is on disk is replayed before the session ends
            over = worker._replace(up=DOWN, runs=(), inbox=0, fresh=0, leaving=0, gone=gone)
            yield ("end_session", who, -1, ""), with_worker(world, who, over)


@step(
    "worker {who} starts again, under a new session",
    "store.nodes:register",
    "worker.replay:replay_journals",
)
def restart(setup: Setup, world: World) -> Moves:
    for who, worker in enumerate(world.workers):
        if worker.up == DOWN and not worker.journal:
            again = Worker(session=worker.session + 1, faulty=worker.faulty)
            yield ("restart", who, -1, ""), with_worker(world, who, again)
