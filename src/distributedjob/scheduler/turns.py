"""Rounds that one scheduler makes for all: work that is done as well by one as by ten, and costs ten times as much.

The leader makes every round. The others make one now and then, should nobody lead, or the leader live and do nothing:
whoever leads makes it fast, nobody has to.
"""

from distributedjob.cluster.port import Membership
from distributedjob.runtime.rhythm import Service


class LeadersTurn:
    """`service` at every pass of the leader, and at every `nth` of the others'."""

    def __init__(self, service: Service, *, membership: Membership, nth: int) -> None:
        self._service = service
        self._membership = membership
        self._nth = nth
        self._passes = 0
        self._goes_on = False

    @property
    def name(self) -> str:
        return self._service.name

    async def run_once(self) -> bool:
        self._passes += 1
        if not (self._goes_on or self._membership.leads or self._passes % self._nth == 0):
            return False
        self._goes_on = False
        self._goes_on = await self._service.run_once()
        return self._goes_on
