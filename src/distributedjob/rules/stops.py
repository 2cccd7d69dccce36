"""What is stopped at a moment: an immutable copy of the switches, asked before each fire and each call.

It is empty, and so false, while there are none: then asking costs nothing.
"""

from distributedjob.model.instant import Instant
from distributedjob.model.stop import Scope, Stop


class Stops(tuple[Stop, ...]):
    """Some switches, a handful as a rule; one that has expired holds nothing any more."""

    __slots__ = ()

    @property
    def names_targets(self) -> bool:
        """Whether the origin of a target matters at all."""
        return any(stop.scope is Scope.TARGET for stop in self)

    def holds(self, scope: Scope, subject: str = "", *, now: Instant) -> Stop | None:
        """The switch of exactly this subject, if it is in force."""
        for stop in self:
            if stop.scope is scope and stop.subject == subject and stop.in_force(now):
                return stop
        return None

    def departments(self, now: Instant) -> tuple[int, ...]:
        """The departments that are stopped as such."""
        return tuple(int(stop.subject) for stop in self if stop.scope is Scope.DEPARTMENT and stop.in_force(now))

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
