"""The start mark of `at_most_once`: committed before the call, so a lost worker's call is never repeated."""

from collections.abc import Sequence

from distributedjob.model.errors import Unavailable
from distributedjob.model.execution import Claimed
from distributedjob.runtime.batcher import Batcher
from distributedjob.store.port import Store

Claim = tuple[int, int, int]
"""(execution id, holder, fence)."""


class Marker:
    """Marks in batches. A mark whose commit got no answer counts as not set: the execution is released."""

    def __init__(self, store: Store, *, session: int) -> None:
        self._store = store
        self._session = session
        self._batcher: Batcher[Claim, bool] = Batcher(self._write)

    async def mark(self, claimed: Claimed) -> bool:
        """Whether the claim still stands and may be called now."""
        try:
            return await self._batcher.ask((claimed.id, self._session, claimed.fence))
        except Unavailable:
            return False

    async def run(self) -> None:
        await self._batcher.run()

    async def _write(self, claims: Sequence[Claim]) -> list[bool]:
        marked = await self._store.write(lambda connection: self._store.hot.mark(connection, claims))
        return [claim[0] in marked for claim in claims]
