"""What is stopped at a moment: an immutable copy of the switches, asked before each fire and each call.

It is false (empty) when there are none, so that asking costs nothing then.
"""

from collections.abc import Iterable, Iterator

from distributedjob.model.instant import Instant
from distributedjob.model.stop import Scope, Stop


class Stops:
    """The switches by what they stop; one that has expired holds nothing any more."""

    __slots__ = ("_held",)

    def __init__(self, stops: Iterable[Stop] = ()) -> None:
        self._held = {(stop.scope, stop.subject): stop for stop in stops}

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Stop]:
        return iter(self._held.values())

    @property
    def names_targets(self) -> bool:
        """Whether the origin of a target matters at all."""
        return any(scope is Scope.TARGET for scope, _ in self._held)

    def holds(self, scope: Scope, subject: str = "", *, now: Instant) -> Stop | None:
        """The switch of exactly this subject, if it is in force."""
        stop = self._held.get((scope, subject))
        return stop if stop is not None and (stop.expires_at is None or now < stop.expires_at) else None

    def departments(self, now: Instant) -> tuple[int, ...]:
        """The departments that are stopped as such."""
        named = [subject for scope, subject in self._held if scope is Scope.DEPARTMENT]
        return tuple(sorted(int(subject) for subject in named if self.holds(Scope.DEPARTMENT, subject, now=now)))

    def holds_queue(self, queue: str, *, now: Instant) -> Stop | None:
        """What keeps a whole queue from being served."""
        return self.holds(Scope.CLUSTER, now=now) or self.holds(Scope.QUEUE, queue, now=now)

    def find(self, *, department_id: int, queue: str, origin: str, now: Instant) -> Stop | None:
        """What keeps this from being called; the widest switch is named first."""
        return (
            self.holds_queue(queue, now=now)
            or self.holds(Scope.DEPARTMENT, str(department_id), now=now)
            or self.holds(Scope.TARGET, origin, now=now)
        )


NO_STOPS = Stops()
