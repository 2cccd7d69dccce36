"""What etcd adds to the table, decided purely: who counts as an owner of shards, and who leads.

Only a healthy view counts, and it can only take sessions away that it had shown before: one that never appeared in
etcd is judged by the table alone. Death is never decided here.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class View:
    """The sessions that are present in etcd, and the one that leads."""

    sessions: frozenset[int] = frozenset()
    leader: int | None = None
    healthy: bool = False


NO_VIEW = View()
"""Without etcd, or while it is lost: the table decides alone."""


def owners(live: Iterable[int], *, view: View, seen: frozenset[int], own: int) -> tuple[int, ...]:
    """Of the schedulers that the table shows alive, those that share the shards; in order.

    `seen` are the sessions of earlier healthy views. The own session always counts: who can still record, may.
    """
    gone = seen - view.sessions - {own} if view.healthy else frozenset()
    return tuple(sorted(session for session in live if session not in gone))


def leader_of(owners: tuple[int, ...], *, view: View) -> int | None:
    """etcd's leader; else, or if that one is drained, the lowest scheduler session. Two for a moment do no harm."""
    if view.healthy and view.leader in owners:
        return view.leader
    return owners[0] if owners else None
