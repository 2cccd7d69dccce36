"""How late the event loop runs: a loop that lags takes no new work."""

import asyncio
from collections.abc import Callable

INTERVAL = 0.25
TOO_LATE = 3.0


class LagWatch:
    """Measures every quarter of a second; `on_lag` gets seconds."""

    def __init__(self, *, on_lag: Callable[[float], None]) -> None:
        self._on_lag = on_lag
        self.lagging = False

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + INTERVAL
            await asyncio.sleep(INTERVAL)
            lag = max(0.0, loop.time() - due)
            self.lagging = lag > TOO_LATE
            self._on_lag(lag)
