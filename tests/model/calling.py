"""One attempt: start mark (at most once only), last look, first byte, and what came back."""

from model.assumptions import Setup
from model.step import Moves, step
from model.world import (
    CANCELLED,
    FAILED,
    FROZEN,
    LOOKED,
    MARKED,
    QUEUED,
    RELEASED,
    RESULT,
    RETRY,
    RUNNING,
    SENT,
    SUCCEEDED,
    UNKNOWN,
    UP,
    Label,
    Row,
    Run,
    Worker,
    World,
    session_of,
    with_row,
    with_run,
    with_worker,
)

CALLS = ", and calls"


def matches(row: Row, holder: int, run: Run) -> bool:
    """The condition of every word of a holder: running, by this session, under this fence."""
    return row.state == RUNNING and row.holder == holder and row.fence == run.fence


def _resulting(worker: Worker, run: Run, word: int) -> Worker:
    return with_run(worker, run, run._replace(stage=RESULT, word=word))


@step(
    "worker {who} sets the start mark of execution {row}{how}",
    "worker.marker:Marker.mark",
    "worker.runner:Runner._attempt",
    "store.hot.statements:HotStatements.mark",
)
def mark(setup: Setup, world: World) -> Moves:
    if not setup.at_most_once or "no_mark" in setup.broken:
        return
    for who, worker in enumerate(world.workers):
        if worker.up != UP:
            continue
        for run in worker.runs:
            if run.stage != QUEUED:
                continue
            row = world.rows[run.row]
            if not matches(row, session_of(who, worker), run) or row.asked:
                refused = with_worker(world, who, _resulting(worker, run, RELEASED))
                yield ("mark", who, run.row, ": refused, the claim does not stand"), refused
                continue
            marked = with_row(world, run.row, row._replace(marked=1))
            done = with_run(worker, run, run._replace(stage=MARKED))
            yield ("mark", who, run.row, ""), with_worker(marked, who, done)
            if world.faults:
                unheard = with_worker(marked, who, _resulting(worker, run, RELEASED))
                yield ("mark", who, run.row, "; the answer is lost"), unheard._replace(faults=world.faults - 1)


@step(
    "worker {who} takes the last look at execution {row}{how}",
    "worker.runner:Runner._last_look",
    "targets.http:HttpCaller.call",
)
def look(setup: Setup, world: World) -> Moves:
    marks = setup.at_most_once and "no_mark" not in setup.broken
    for who, worker in enumerate(world.workers):
        if worker.up != UP:
            continue
        for run in worker.runs:
            if run.stage != (MARKED if marks else QUEUED):
                continue
            row = world.rows[run.row]
            fresh = worker.fresh or setup.lying_clocks or "no_last_look" in setup.broken
            if row.late or not fresh:
                released = with_worker(world, who, _resulting(worker, run, RELEASED))
                yield ("look", who, run.row, ", and gives it back uncalled"), released
                continue
            yield ("look", who, run.row, CALLS), send(setup, world, who, run)
            if world.faults:
                yield from _stumble(setup, world, who, run)


def _stumble(setup: Setup, world: World, who: int, run: Run) -> Moves:
    """What may happen between the last look and the first byte."""
    worker, left = world.workers[who], world._replace(faults=world.faults - 1)
    if "refuse_connections" in setup.may:
        word = RETRY if run.attempt < setup.attempts else FAILED
        refused = with_worker(left, who, _resulting(worker, run, word))
        yield ("look", who, run.row, ", and cannot connect"), refused
    if "freeze" in setup.may and worker.up == UP and not any(other.up == FROZEN for other in world.workers):
        passed = with_run(worker, run, run._replace(stage=LOOKED))
        frozen = passed._replace(up=FROZEN, fresh=0, faulty=1)
        yield ("look", who, run.row, ", and freezes before the first byte"), with_worker(left, who, frozen)


def send(setup: Setup, world: World, who: int, run: Run) -> World:
    """The call is in the air. The properties judge by the row as it was before."""
    row = world.rows[run.row]
    key = run.fence if "key_of_the_claim" in setup.broken else 1 + run.row
    called = row._replace(called=row.called | 1 << run.attempt, caller=who + 1, key=key)
    sent = with_run(world.workers[who], run, run._replace(stage=SENT))
    return with_worker(with_row(world, run.row, called), who, sent)


def caller_of(label: Label) -> int:
    """The worker whose call this step began, or -1."""
    name, who, _, how = label
    return who if name in ("first_byte", "resend") or (name == "look" and how == CALLS) else -1


@step(
    "worker {who}, awake again, writes the first byte of its call for execution {row}", "targets.http:HttpCaller.call"
)
def first_byte(setup: Setup, world: World) -> Moves:
    for who, worker in enumerate(world.workers):
        if worker.up == UP:
            for run in worker.runs:
                if run.stage == LOOKED:
                    yield ("first_byte", who, run.row, ""), send(setup, world, who, run)


@step(
    "the call of worker {who} for execution {row}{how}",
    "rules.verdict:after_attempt",
    "rules.verdict:_at_most_once",
    "rules.verdict:_used_up",
    "rules.verdict:_retry",
    "worker.runner:Runner._end",
)
def answer(setup: Setup, world: World) -> Moves:
    for who, worker in enumerate(world.workers):
        if worker.up != UP:
            continue
        for run in worker.runs:
            if run.stage != SENT:
                continue
            row = world.rows[run.row]
            accepted = with_row(world, run.row, row._replace(accepted=1))
            yield ("answer", who, run.row, " succeeds"), with_worker(accepted, who, _resulting(worker, run, SUCCEEDED))
            word = SUCCEEDED if "any_answer_succeeds" in setup.broken else _refused(setup, run)
            refused = _explained(world, who, run)
            yield (
                ("answer", who, run.row, " is answered by a failure"),
                with_worker(refused, who, _resulting(worker, run, word)),
            )
            if world.faults:
                lost = with_worker(refused, who, _resulting(worker, run, _unclear(setup, run)))
                yield ("answer", who, run.row, " loses its answer"), lost._replace(faults=world.faults - 1)


def _refused(setup: Setup, run: Run) -> int:
    return RETRY if run.attempt < setup.attempts and not setup.at_most_once else FAILED


def _unclear(setup: Setup, run: Run) -> int:
    if setup.at_most_once:
        return UNKNOWN
    return RETRY if run.attempt < setup.attempts else FAILED


def _explained(world: World, who: int, run: Run) -> World:
    """From now on there is a reason to call again."""
    row = world.rows[run.row]
    return with_row(world, run.row, row._replace(caller=0)) if row.caller == who + 1 else world


@step("the transport of worker {who} sends the call for execution {row} again by itself")
def resend(setup: Setup, world: World) -> Moves:
    if "transport_resends" not in setup.broken or not world.faults:
        return
    for who, worker in enumerate(world.workers):
        for run in worker.runs:
            if run.stage == SENT and worker.up == UP:
                yield ("resend", who, run.row, ""), send(setup, world, who, run)._replace(faults=world.faults - 1)


@step(
    "worker {who} closes execution {row}, as was asked",
    "worker.worker:CancelLook.run_once",
    "worker.worker:Worker.look_for_cancels",
    "worker.runner:Runner.stop",
    "worker.runner:Runner._verdict",
)
def close(setup: Setup, world: World) -> Moves:
    for who, worker in enumerate(world.workers):
        if worker.up != UP:
            continue
        for run in worker.runs:
            row = world.rows[run.row]
            mine = row.asked and row.holder == session_of(who, worker)
            if mine and run.stage in (QUEUED, MARKED, SENT):
                closed = _explained(world, who, run) if run.stage == SENT else world
                yield ("close", who, run.row, ""), with_worker(closed, who, _resulting(worker, run, CANCELLED))


@step(
    "worker {who}, which is leaving, cuts its call for execution {row}{how}",
    "worker.worker:Worker.drain",
    "worker.runner:Runner.stop",
)
def cut(setup: Setup, world: World) -> Moves:
    for who, worker in enumerate(world.workers):
        if worker.up != UP or not worker.leaving:
            continue
        for run in worker.runs:
            if run.stage == SENT:
                lost = _explained(world, who, run)
                yield ("cut", who, run.row, ""), with_worker(lost, who, _resulting(worker, run, _unclear(setup, run)))
            elif run.stage in (QUEUED, MARKED):
                released = with_worker(world, who, _resulting(worker, run, RELEASED))
                yield ("cut", who, run.row, " before it began"), released
