"""The fires of the next two seconds, in order. Nothing else is in memory: a million idle schedules cost nothing."""

from collections.abc import Iterable
from heapq import heappop, heappush

from distributedjob.model.instant import Instant

AHEAD = 2_000_000
"""How far the window reaches, in microseconds."""


class Window:
    """A heap of (instant, schedule id). An entry counts only while it is the latest word on its schedule."""

    def __init__(self) -> None:
        self._heap: list[tuple[Instant, int]] = []
        self._cursors: dict[int, Instant] = {}
        self._recording: set[int] = set()

    def __len__(self) -> int:
        return len(self._cursors)

    @property
    def next_at(self) -> Instant | None:
        """The earliest fire in the window."""
        self._drop_stale()
        return self._heap[0][0] if self._heap else None

    def put(self, schedule_id: int, fire_at: Instant) -> None:
        """Note where a schedule's cursor is."""
        if schedule_id not in self._recording and self._cursors.get(schedule_id) != fire_at:
            self._cursors[schedule_id] = fire_at
            heappush(self._heap, (fire_at, schedule_id))

    def keep(self, schedule_ids: Iterable[int]) -> None:
        """Forget all others: they are no longer ours. Those being recorded come back, and are forgotten next time."""
        self._cursors = {id_: self._cursors[id_] for id_ in schedule_ids if id_ in self._cursors}

    def take_due(self, now: Instant, *, limit: int) -> list[int]:
        """Take up to `limit` schedules that are due; they are being recorded until `done`."""
        due: list[int] = []
        while len(due) < limit and self._heap and self._heap[0][0] <= now:
            fire_at, schedule_id = heappop(self._heap)
            if self._cursors.get(schedule_id) == fire_at:
                del self._cursors[schedule_id]
                self._recording.add(schedule_id)
                due.append(schedule_id)
        return due

    def done(self, taken: Iterable[int], cursors: Iterable[tuple[int, Instant | None]], *, until: Instant) -> None:
        """Recording of `taken` is over; schedules that fire again before `until` stay in the window."""
        self._recording.difference_update(taken)
        for schedule_id, fire_at in cursors:
            if fire_at is not None and fire_at <= until:
                self.put(schedule_id, fire_at)

    def _drop_stale(self) -> None:
        while self._heap and self._cursors.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
