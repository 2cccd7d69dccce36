"""What must hold of every step: of each row that it changed, of each call that it began, of the world after it.

Each property says what is wrong, or nothing. Whether every execution can still end is asked of the whole graph
(`search.py`).
"""

from collections.abc import Callable

from model.admission import LIMIT
from model.assumptions import Setup
from model.calling import caller_of
from model.claiming import IN_RUNNER
from model.finishing import counts
from model.world import (
    BLOCKED,
    CANCELLED,
    EXPIRED,
    FAILED,
    FIRST_TERMINAL,
    MISSED,
    NAMES,
    NEW,
    PENDING,
    RUNNING,
    SKIPPED,
    SUCCEEDED,
    UNKNOWN,
    Label,
    Row,
    World,
    session_of,
)

OfARow = Callable[[Row, Row], str]
OfACall = Callable[[Setup, World, Label, World], str]
OfAWorld = Callable[[Setup, World, Label, World], str]

MOVES = {
    NEW: {PENDING, BLOCKED, RUNNING, SKIPPED, MISSED},
    PENDING: {RUNNING, SUCCEEDED, FAILED, CANCELLED, EXPIRED, SKIPPED},
    BLOCKED: {PENDING, CANCELLED, EXPIRED, SKIPPED},
    RUNNING: {PENDING, SUCCEEDED, FAILED, CANCELLED, UNKNOWN},
}


def terminal_is_final(old: Row, new: Row) -> str:
    if old.state >= FIRST_TERMINAL and old.state != new.state:
        return f"it was {NAMES[old.state]}, and is {NAMES[new.state]} now"
    return ""


def only_known_transitions(old: Row, new: Row) -> str:
    if old.state != new.state and old.state < FIRST_TERMINAL and new.state not in MOVES[old.state]:
        return f"it went from {NAMES[old.state]} to {NAMES[new.state]}"
    return ""


def no_false_success(old: Row, new: Row) -> str:
    return "it succeeded, and no call of it was ever accepted" if new.state == SUCCEEDED and not new.accepted else ""


def one_key_per_execution(old: Row, new: Row) -> str:
    return "a repeated call of it carries another key" if old.key and new.key != old.key else ""


def a_cancelled_execution_does_not_start(old: Row, new: Row) -> str:
    claimed = new.state == RUNNING and new.fence != old.fence
    return "it was asked to stop, and was claimed again" if old.asked and claimed else ""


def at_most_once_means_once(setup: Setup, before: World, label: Label, after: World) -> str:
    twice = setup.at_most_once and before.rows[label[2]].called
    return f"execution {label[2]} was called twice, and must be called at most once" if twice else ""


def attempts_are_numbered(setup: Setup, before: World, label: Label, after: World) -> str:
    """No two calls of one execution have the same number, and there are not more than allowed."""
    old, new = before.rows[label[2]].called, after.rows[label[2]].called
    if old == new:
        return f"two calls of execution {label[2]} are the same attempt"
    if (old ^ new).bit_length() - 1 > setup.attempts:
        return f"execution {label[2]} was called more often than its {setup.attempts} attempts"
    return ""


def only_the_holder_calls(setup: Setup, before: World, label: Label, after: World) -> str:
    """Or one that froze between its last look and its first byte, or missed for all the grace that it should stop."""
    name, who, number, _ = label
    if _holds(before, who, number) or before.rows[number].asked:
        return ""
    if before.workers[who].faulty and (name == "first_byte" or setup.lying_clocks):
        return ""
    return f"worker {'AB'[who]} called for execution {number}, which it does not hold"


def repeated_calls_are_explained(setup: Setup, before: World, label: Label, after: World) -> str:
    """By what befell the first call; or, for a caller whose claim does not stand any more, by what befell it."""
    _, who, number, _ = label
    first = before.rows[number].caller - 1
    late = not _holds(before, who, number) and before.workers[who].faulty
    if first < 0 or before.workers[first].faulty or late:
        return ""
    return f"execution {number} was called again, although nothing had befallen its first call"


def _holds(world: World, who: int, number: int) -> bool:
    row = world.rows[number]
    return row.state == RUNNING and row.holder == session_of(who, world.workers[who])


def one_decision_per_fire(setup: Setup, before: World, label: Label, after: World) -> str:
    for fire, decided in enumerate(after.decided):
        if decided > 1:
            return f"fire {fire} was decided twice"
    return ""


def one_word_counts(setup: Setup, before: World, label: Label, after: World) -> str:
    """At most one run per execution may still write a result that counts."""
    if after.workers is before.workers and after.rows is before.rows:
        return ""
    counted: dict[int, tuple[int, int]] = {}
    for who, worker in enumerate(after.workers):
        for run in worker.runs:
            final = run if run.word else run._replace(word=SUCCEEDED)
            if run.stage not in IN_RUNNER or not counts(setup, after.rows[run.row], session_of(who, worker), final):
                continue
            if counted.setdefault(run.row, (who, run.fence)) != (who, run.fence):
                return f"two runs of execution {run.row} could both write its result"
    return ""


def what_is_taken_for_written_is_written(setup: Setup, before: World, label: Label, after: World) -> str:
    """A row that carries holder and fence of a word, and does not run, is taken for ended by that word."""
    name, who, number, _ = label
    if name not in ("write", "replay"):
        return ""
    old, new, row = before.workers[who], after.workers[who], before.rows[number]
    for run in {*old.runs, *old.journal} - {*new.runs, *new.journal}:
        said = row.holder == session_of(who, old) and row.fence == run.fence and row.state != RUNNING
        if said and run.word >= FIRST_TERMINAL and run.word != row.state:
            return f"execution {number} is taken for {NAMES[run.word]}, and is {NAMES[row.state]}"
    return ""


def the_gate_is_respected(setup: Setup, before: World, label: Label, after: World) -> str:
    """Nobody is let in while as many as may are unfinished inside."""
    if not (before.gated and after.gated):
        return ""
    for number, (old, new) in enumerate(zip(before.rows, after.rows, strict=True)):
        if old.state in (NEW, BLOCKED) and new.state in (PENDING, RUNNING):
            inside = sum(row.state in (PENDING, RUNNING) for row in after.rows)
            if inside > LIMIT:
                return f"execution {number} was let in, as number {inside} of at most {LIMIT}"
    return ""


def no_more_fires_than_allowed(setup: Setup, before: World, label: Label, after: World) -> str:
    made = _made(setup, after) if setup.max_fires >= 0 else -1
    return f"{made} fires became executions, and {setup.max_fires} may" if made > setup.max_fires else ""


def one_at_a_time_from_end(setup: Setup, before: World, label: Label, after: World) -> str:
    if not setup.from_end:
        return ""
    unfinished = sum(0 < row.state < FIRST_TERMINAL for row in after.rows[setup.recorded : setup.first_manual])
    return "two executions of a schedule that counts from the end have not ended" if unfinished > 1 else ""


OF_A_ROW: tuple[OfARow, ...] = (
    terminal_is_final,
    only_known_transitions,
    no_false_success,
    one_key_per_execution,
    a_cancelled_execution_does_not_start,
)
OF_A_CALL: tuple[OfACall, ...] = (
    at_most_once_means_once,
    attempts_are_numbered,
    only_the_holder_calls,
    repeated_calls_are_explained,
)
OF_A_WORLD: tuple[OfAWorld, ...] = (
    one_decision_per_fire,
    one_word_counts,
    what_is_taken_for_written_is_written,
    the_gate_is_respected,
    no_more_fires_than_allowed,
    one_at_a_time_from_end,
)


def violation(setup: Setup, before: World, label: Label, after: World) -> tuple[str, str]:
    """(name of the property, what is wrong), both empty where all hold."""
    if after.rows is not before.rows:
        for number, (old, new) in enumerate(zip(before.rows, after.rows, strict=True)):
            if old is not new:
                for of_a_row in OF_A_ROW:
                    if wrong := of_a_row(old, new):
                        return of_a_row.__name__, f"execution {number}: {wrong}"
    if caller_of(label) >= 0:
        for of_a_call in OF_A_CALL:
            if wrong := of_a_call(setup, before, label, after):
                return of_a_call.__name__, wrong
    for of_a_world in OF_A_WORLD:
        if wrong := of_a_world(setup, before, label, after):
            return of_a_world.__name__, wrong
    return "", ""


def is_settled(setup: Setup, world: World) -> bool:
    """Every fire is decided, or as many became executions as may; where somebody works, every execution has ended."""
    decided = all(world.decided) or _made(setup, world) == setup.max_fires
    return decided and all(not setup.workers or row.state == NEW or row.state >= FIRST_TERMINAL for row in world.rows)


def _made(setup: Setup, world: World) -> int:
    """Fires that count against the maximum."""
    fires = world.rows[setup.recorded : setup.first_manual]
    return sum(row.state not in (NEW, SKIPPED, MISSED) for row in fires)
