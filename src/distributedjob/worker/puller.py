"""The pull: heals every lost hint, a lost broker included, and is the way of work where there are no hints."""

from distributedjob.worker.intake import Intake

HEAL_AFTER = 1_000_000
"""With hints, only what is this long past its time is pulled (microseconds)."""


class Puller:
    name = "puller"

    def __init__(self, intake: Intake, *, age_floor: int) -> None:
        self._intake = intake
        self._age_floor = age_floor

    async def run_once(self) -> bool:
        return await self._intake.pull(age_floor=self._age_floor)
