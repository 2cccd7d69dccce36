"""Judging others by their beats, on this node's own boot clock; no two nodes' clocks are ever compared.

Judgement counts only while the own beats succeed without a gap, so a database outage kills nobody.
"""

from collections.abc import Iterable
from dataclasses import dataclass

GAP = 2_000_000
"""Own beats further apart than this (microseconds) make all earlier observation void."""

UNOWNED_AFTER = 6_000_000
DEAD_AFTER = 15_000_000


@dataclass(slots=True)
class _Seen:
    beat: int
    since: int


class Observer:
    """What one node knows of the others. Times are microseconds of the boot clock."""

    def __init__(self, session: int) -> None:
        self._session = session
        self._seen: dict[int, _Seen] = {}
        self._last_own = 0

    def note(self, beats: Iterable[tuple[int, int]], *, at: int) -> None:
        """An own beat succeeded at `at` and read these (session, beat) pairs of the living."""
        void = at - self._last_own > GAP
        self._last_own = at
        known = self._seen
        self._seen = {}
        for session, beat in beats:
            before = known.get(session)
            changed = before is None or before.beat != beat or void
            self._seen[session] = _Seen(beat, at if changed or before is None else before.since)

    def live(self) -> tuple[int, ...]:
        """Sessions that count as owners: their beat moved within the last 6 s. Always includes the own."""
        recent = {s for s, seen in self._seen.items() if self._last_own - seen.since < UNOWNED_AFTER}
        return tuple(sorted(recent | {self._session}))

    def dead(self) -> list[tuple[int, int]]:
        """(session, last seen beat) of those without a beat for 15 s."""
        overdue = [(s, seen.beat) for s, seen in self._seen.items() if self._last_own - seen.since >= DEAD_AFTER]
        return [(session, beat) for session, beat in overdue if session != self._session]
