"""A stop switch: no call begins under it. For the minutes in which something must not be called, whatever is due."""

from dataclasses import dataclass
from enum import StrEnum

from distributedjob.model.instant import Instant


class Scope(StrEnum):
    """What a switch stops. Its subject: nothing, a department's id, `scheme://host:port`, a queue's name."""

    CLUSTER = "cluster"
    DEPARTMENT = "department"
    TARGET = "target"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class Stop:
    """`expires_at` None: until somebody lifts it."""

    id: int
    scope: Scope
    subject: str
    reason: str
    created_by: str
    created_at: Instant
    expires_at: Instant | None

    def in_force(self, now: Instant) -> bool:
        return self.expires_at is None or now < self.expires_at

    @property
    def words(self) -> str:
        """What is stopped, in words: `queue reports`."""
        return f"{self.scope} {self.subject}".rstrip()
