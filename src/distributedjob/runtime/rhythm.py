"""Background services: one noun each, one pass per call. Rhythm, wake-up and failure are written here once."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 2.0


class Service(Protocol):
    """Something that lives by passes."""

    @property
    def name(self) -> str: ...

    async def run_once(self) -> bool:
        """One pass. True: there is more to do, come back at once."""


@dataclass(frozen=True, slots=True)
class PassFailed:
    """A pass raised; the service goes on after a pause."""

    service: str
    error: Exception
    failures: int


class Rhythm:
    """Runs a service every `interval` seconds, sooner when woken, later after failures."""

    def __init__(self, service: Service, *, interval: float, on_failure: Callable[[PassFailed], None]) -> None:
        self._service = service
        self._interval = interval
        self._on_failure = on_failure
        self._wake = asyncio.Event()
        self._failures = 0
        self._closing = False

    @property
    def name(self) -> str:
        return self._service.name

    def wake(self) -> None:
        """Run the next pass now; many wakes make one pass."""
        self._wake.set()

    def on_news(self, _news: object) -> None:
        """`wake`, for whoever brings news along."""
        self._wake.set()

    def close(self) -> None:
        """Let `run` return after the pass that is under way."""
        self._closing = True
        self._wake.set()

    async def run(self) -> None:
        """Live until closed."""
        while not self._closing:
            pause = await self._pass()
            if pause <= 0:
                await asyncio.sleep(0)
                continue
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _pass(self) -> float:
        self._wake.clear()
        try:
            more = await self._service.run_once()
        except Exception as error:  # noqa: BLE001 - a service outlives its failures, and says so
            self._failures += 1
            self._on_failure(PassFailed(self._service.name, error, self._failures))
            return min(LONGEST_PAUSE, max(self._interval, FIRST_PAUSE * 2.0 ** min(self._failures - 1, 5)))
        self._failures = 0
        return 0.0 if more else self._interval
