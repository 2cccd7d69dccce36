"""What the program asks of a cache: values for a while, counters that all nodes share, and a channel between them.

Nothing here is the truth: whatever was put may be forgotten, whatever is said may be unheard, and then the database is
asked. No method raises, and all but one answer within tens of milliseconds, whatever became of the server behind it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from distributedjob.model.instant import Instant
from distributedjob.rules.patience import Patience

Listener = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts the failures of one thing, under a name, with its own patience."""

    name: str
    patience: Patience


class Cache(Protocol):
    """Names are short and plain, begin with their kind and a colon, and each is used for one sort of thing only."""

    async def find(self, names: Sequence[str]) -> dict[str, bytes]:
        """What is kept under these names; most may be absent."""

    async def put(self, values: Mapping[str, bytes], *, ttl: timedelta) -> None:
        """Keep values for `ttl`, in place of older ones."""

    async def forget(self, names: Sequence[str]) -> None:
        """Drop values and counters."""

    async def hit(self, name: str, *, per_second: int) -> bool:
        """Count one request; False: it is one too many. Within two seconds twice `per_second` may come at once."""

    async def admit(self, counters: Sequence[Counter], *, now: Instant) -> Instant:
        """0: go on; the try is counted by all of them, as failed until `take_back`. Otherwise microseconds to wait."""

    async def take_back(self, names: Sequence[str]) -> None:
        """The last try counted under these names does not count, and nobody waits for it."""

    async def publish(self, message: bytes) -> bool:
        """Tell all who listen, the own process too. False: nobody was told. May take two seconds."""

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` on the event loop with every message that comes from now on."""
