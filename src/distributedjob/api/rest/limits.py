"""How many requests one user, or one address of strangers, may send per second.

Counted in the cache: with Redis for all nodes together. Health and metrics are not counted, so that a flood does not
blind whoever watches.
"""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Scope

from distributedjob.access.backoff import network_of
from distributedjob.cache.port import Cache
from distributedjob.model.errors import TooMany
from distributedjob.model.identity import Principal

UNLIMITED = frozenset({"/v1/health/live", "/v1/health/ready", "/metrics"})
RETRY_AFTER = 2
"""Seconds: by then the window of what was sent has passed."""


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """`rate` per second, twice as many in a burst. `on_refused` is told of each request that was one too many."""

    cache: Cache
    rate: int
    on_refused: Callable[[], object]

    async def check(self, scope: Scope, principal: Principal | None) -> None:
        """Count a request of `principal`, or of its address when nobody is known; raises TooMany."""
        if scope["path"] in UNLIMITED:
            return
        who = f"address:{network_of(address_of(scope))}" if principal is None else f"user:{principal.user_id}"
        if not await self.cache.hit(who, per_second=self.rate):
            self.on_refused()
            raise TooMany(f"more than {self.rate} requests per second; slow down", retry_after=RETRY_AFTER)


def address_of(scope: Scope) -> str:
    """Where a request comes from; empty where that is not known."""
    client = scope.get("client")
    return str(client[0]) if client else ""
