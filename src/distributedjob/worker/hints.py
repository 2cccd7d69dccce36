"""The hints a worker holds: those whose time has come, in the order they came, and those whose time will come."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from heapq import heappop, heappush

from distributedjob.model.instant import Instant

Held = tuple[Instant, int, int, str]
"""(not_before, id, fence, queue)."""


class Hints:
    """Used on the event loop only."""

    def __init__(self) -> None:
        self._due: deque[Held] = deque()
        self._later: list[Held] = []

    def __len__(self) -> int:
        return len(self._due) + len(self._later)

    @property
    def waiting(self) -> int:
        """How many could start if there were slots, as far as anybody has looked at the time."""
        return len(self._due)

    @property
    def next_at(self) -> Instant | None:
        """When the first of them can start: in the past, if some wait."""
        if self._due:
            return self._due[0][0]
        return self._later[0][0] if self._later else None

    def put(self, hint: Held, *, now: Instant) -> None:
        if hint[0] <= now:
            self._due.append(hint)
        else:
            heappush(self._later, hint)

    def take(self, limit: int, *, now: Instant) -> Mapping[str, Sequence[tuple[int, int]]]:
        """Take up to `limit` that can start now: (id, fence) by queue."""
        while self._later and self._later[0][0] <= now:
            self._due.append(heappop(self._later))
        taken: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for _ in range(min(limit, len(self._due))):
            _, id_, fence, queue = self._due.popleft()
            taken[queue].append((id_, fence))
        return taken

    def clear(self) -> list[Held]:
        """Let go of all; returns those that could start."""
        due = list(self._due)
        self._due.clear()
        self._later.clear()
        return due
