"""The pull: heals every lost hint, a lost broker included, and is the way of work where there are no hints."""

from collections.abc import Callable

from distributedjob.model.instant import SECOND
from distributedjob.worker.intake import Intake

HEAL_AFTER = SECOND
"""While hints flow, only what is this long past its time is pulled."""

HEAL_SECONDS = 1.0
PULL_SECONDS = 0.1


class Puller:
    """`hinted` says whether hints flow. While they do, most passes look at nothing; `clock` counts seconds."""

    name = "puller"

    def __init__(
        self,
        intake: Intake,
        *,
        hinted: Callable[[], bool],
        clock: Callable[[], float],
        on_pulled: Callable[[int], None],
    ) -> None:
        self._intake = intake
        self._hinted = hinted
        self._clock = clock
        self._on_pulled = on_pulled
        self._heals_at = clock()

    async def run_once(self) -> bool:
        hinted, now = self._hinted(), self._clock()
        if hinted and now < self._heals_at:
            return False
        pulled, more = await (self._intake.heal(HEAL_AFTER) if hinted else self._intake.pull())
        if pulled:
            self._on_pulled(pulled)
        if not more:
            self._heals_at = now + HEAL_SECONDS
        return more
