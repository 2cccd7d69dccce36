"""Stop switches in JSON."""

from typing import Annotated, Literal

from pydantic import Field

from distributedjob.api.rest.wire.base import (
    TRIMMED,
    Id,
    InstantText,
    Shown,
    ShownInstant,
    Whole,
    Wire,
    maybe_instant,
    shown_instant,
)
from distributedjob.model.errors import Invalid
from distributedjob.model.instant import SECOND, Instant, to_rfc3339
from distributedjob.model.stop import Stop

ScopeWord = Literal["cluster", "department", "target", "queue"]
LONGEST = 366 * 86_400


class StopIn(Wire):
    """What to stop: the whole `cluster`, a `department` by its id, a `target` by its URL, of which scheme,
    host and port count, or a `queue` by its name. Without an end it holds until it is lifted."""

    scope: ScopeWord
    subject: str = Field(default="", max_length=8000, description="nothing for the cluster")
    reason: Annotated[str, Field(min_length=1, max_length=256, pattern=TRIMMED)]
    expires_at: InstantText | None = None
    expires_in_seconds: Whole | None = Field(default=None, ge=1, le=LONGEST)

    def expiry(self, now: Instant) -> Instant | None:
        """When it is lifted by itself. Raises Invalid when both ends are given."""
        if self.expires_in_seconds is None:
            return maybe_instant(self.expires_at)
        if self.expires_at is not None:
            raise Invalid.one("expires_in_seconds", "stands beside expires_at; give one of them")
        return now + self.expires_in_seconds * SECOND


class StopShown(Shown):
    id: Id
    scope: ScopeWord
    subject: str
    reason: str
    created_by: str
    created_at: ShownInstant
    expires_at: ShownInstant | None

    @classmethod
    def of(cls, stop: Stop) -> "StopShown":
        return cls(
            id=str(stop.id),
            scope=stop.scope.value,
            subject=stop.subject,
            reason=stop.reason,
            created_by=stop.created_by,
            created_at=to_rfc3339(stop.created_at),
            expires_at=shown_instant(stop.expires_at),
        )
