"""Sessions of the program in a real etcd, and what each of them was told."""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from distributedjob.cluster.etcd.address import EtcdAddress
from distributedjob.cluster.etcd.link import Enrolment, EtcdLink
from distributedjob.cluster.etcd.registry import Candidate
from distributedjob.cluster.view import NO_VIEW, View
from distributedjob.telemetry.events import Events

IDENTITY = "0123456789abcdef"


class Heard(Events):
    """The program's events about etcd, kept instead of logged."""

    def __init__(self) -> None:
        super().__init__()
        self.away: list[Exception] = []
        self.connected = 0
        self.refused: list[Exception] = []
        self.leaders: list[int] = []
        self.failed: list[Exception] = []

    def etcd_away(self, error: Exception) -> None:
        self.away.append(error)

    def etcd_connected(self, *, nodes: int) -> None:
        self.connected += 1

    def etcd_refused(self, error: Exception) -> None:
        self.refused.append(error)

    def leader_changed(self, *, leader: int, here: bool) -> None:
        self.leaders.append(leader)

    def pass_failed(self, service: str, error: Exception, *, failures: int) -> None:
        self.failed.append(error)


@dataclass
class Guest:
    """One session. `views` are all it was shown, the newest last."""

    session: int
    link: EtcdLink
    heard: Heard
    views: list[View] = field(default_factory=lambda: [NO_VIEW])
    anew: int = 0
    enrolment: Enrolment | None = None

    @property
    def view(self) -> View:
        return self.views[-1]

    def enrol(self, *, leads: bool = True) -> None:
        candidate = Candidate(session=self.session, name=f"node-{self.session}", roles=("scheduler",), leads=leads)
        self.enrolment = self.link.enrol(candidate, on_view=self.views.append, on_anew=self._note_anew)

    def die(self) -> None:
        """Like a process that is killed: nothing is said, the keepalives just end."""
        assert self.enrolment is not None
        self.enrolment._running.cancel()

    async def leave(self) -> None:
        assert self.enrolment is not None
        await self.enrolment.leave()

    def _note_anew(self) -> None:
        self.anew += 1


class Party:
    """Sessions of one cluster, numbered from 1."""

    def __init__(self, address: EtcdAddress, *, prefix: str) -> None:
        self.address = address
        self.prefix = prefix
        self._numbers = itertools.count(1)
        self._stack = AsyncExitStack()

    async def invite(self, *, leads: bool = True, first: int = 0) -> Guest:
        """One more session, registered by a process of its own."""
        guest = await self.knock(first=first)
        guest.enrol(leads=leads)
        return guest

    async def knock(self, *, identity: str = IDENTITY, first: int = 0) -> Guest:
        """A process that has opened its way to etcd and registered nothing. Raises what opening raises."""
        heard = Heard()
        link = EtcdLink(self.address, prefix=self.prefix, identity=identity, events=heard, first=first)
        self._stack.push_async_callback(link.close)
        await link.open()
        return Guest(next(self._numbers), link, heard)

    async def close(self) -> None:
        await self._stack.aclose()


@asynccontextmanager
async def open_party(address: EtcdAddress, *, prefix: str) -> AsyncIterator[Party]:
    party = Party(address, prefix=prefix)
    try:
        yield party
    finally:
        await party.close()


def shows(guest: Guest, *sessions: int) -> Callable[[], bool]:
    """Whether the guest's newest view is healthy and shows these sessions, and nobody else."""
    return lambda: guest.view.healthy and guest.view.sessions == frozenset(sessions)
