"""The ends of the total timeouts of all exchanges in the air, watched by one timer.

A timer of the loop per call costs more than writing the request's headers. So the exchanges are kept in
a table that is walked every few milliseconds while there are any: a timeout ends at most `TICK_SECONDS`
late, never early.
"""

import asyncio
from typing import Protocol

TICK_SECONDS = 0.04


class Expirable(Protocol):
    def expire(self) -> None:
        """The deadline has passed."""
        ...


class Deadlines:
    def __init__(self) -> None:
        self._ends: dict[Expirable, float] = {}
        self._tick: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._ends)

    def watch(self, exchange: Expirable, *, deadline: float) -> None:
        """Call `exchange.expire()` once when `deadline` (loop's clock) has passed, unless it is dropped before."""
        self._ends[exchange] = deadline
        if self._tick is None:
            self._tick = asyncio.get_running_loop().call_later(TICK_SECONDS, self._walk)

    def drop(self, exchange: Expirable) -> None:
        self._ends.pop(exchange, None)

    def _walk(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for exchange in [exchange for exchange, deadline in self._ends.items() if deadline <= now]:
            del self._ends[exchange]
            exchange.expire()
        self._tick = loop.call_later(TICK_SECONDS, self._walk) if self._ends else None
