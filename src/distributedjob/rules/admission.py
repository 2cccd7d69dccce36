"""Who may start: the gate of a task with an overlap rule or a limit on parallel executions.

The caller holds the task's gate row; what is decided here is written in the same transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from distributedjob.model.execution import Reason, State
from distributedjob.model.policies import Overlap, Policies


@dataclass(frozen=True, slots=True)
class Entry:
    """One unfinished execution at the gate. `fresh`: it is recorded in this very transaction, nobody can have it."""

    execution_id: int
    waiting: bool
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Admission:
    """What happens to the newcomer, and to those already at the gate."""

    state: State
    reason: Reason | None = None
    superseded: tuple[int, ...] = ()
    """Executions that nobody runs and the newcomer replaces: they become `skipped(superseded)`."""
    replaced: tuple[int, ...] = ()
    """Admitted executions to be cancelled, so that the newcomer can start."""


def admit(policies: Policies, entries: Sequence[Entry]) -> Admission:
    """Decide for one newcomer."""
    inside = [entry for entry in entries if not entry.waiting]
    waiting = tuple(entry.execution_id for entry in entries if entry.waiting)
    if len(inside) < policies.parallel_limit and not waiting:
        return Admission(State.PENDING)
    match policies.overlap:
        case Overlap.ALLOW:
            return Admission(State.BLOCKED, Reason.LIMIT)
        case Overlap.SKIP:
            return Admission(State.SKIPPED, Reason.OVERLAP)
        case Overlap.WAIT:
            return Admission(State.BLOCKED, Reason.OVERLAP, superseded=waiting)
        case Overlap.REPLACE:
            return _replace(policies, inside, waiting)


def _replace(policies: Policies, inside: Sequence[Entry], waiting: tuple[int, ...]) -> Admission:
    """The oldest inside make room: those that began, or may begin, are cancelled first; fresh ones never exist."""
    surplus = max(0, len(inside) - policies.parallel_limit + 1)
    oldest = sorted(inside, key=lambda entry: entry.execution_id)[:surplus]
    replaced = tuple(entry.execution_id for entry in oldest if not entry.fresh)
    superseded = waiting + tuple(entry.execution_id for entry in oldest if entry.fresh)
    if replaced:
        return Admission(State.BLOCKED, Reason.OVERLAP, superseded=superseded, replaced=replaced)
    return Admission(State.PENDING, superseded=superseded)


def let_in(policies: Policies | None, entries: Sequence[Entry]) -> tuple[int, ...]:
    """The waiting executions that may start now, oldest first. Without policies (task deleted) all may."""
    waiting = sorted(entry.execution_id for entry in entries if entry.waiting)
    if policies is None or not policies.gated:
        return tuple(waiting)
    inside = sum(1 for entry in entries if not entry.waiting)
    return tuple(waiting[: max(0, policies.parallel_limit - inside)])
