"""The pull: heals every lost hint, a lost broker included, and is the way of work where there are no hints."""

from collections.abc import Callable

from distributedjob.worker.intake import Intake

HEAL_AFTER = 1_000_000
"""With hints, only what is this long past its time is pulled (microseconds)."""


class Puller:
    name = "puller"

    def __init__(self, intake: Intake, *, age_floor: int, on_pulled: Callable[[int], None]) -> None:
        self._intake = intake
        self._on_pulled = on_pulled
        self._age_floor = age_floor

    async def run_once(self) -> bool:
        pulled, more = await self._intake.pull(age_floor=self._age_floor)
        if pulled:
            self._on_pulled(pulled)
        return more
