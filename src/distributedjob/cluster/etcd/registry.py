"""One session in etcd: its key under a lease, the watch over the others', and the candidacy for the single duties.

When the lease is gone, because etcd forgot everything or was away for too long, the session registers anew.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from distributedjob.cluster.etcd.client import EtcdClient
from distributedjob.cluster.etcd.errors import EtcdAway, LeaseGone
from distributedjob.cluster.etcd.following import AGAIN, LONGEST_PAUSE, Pairs, follow
from distributedjob.cluster.etcd.guard import Guard
from distributedjob.cluster.etcd.keys import Keys
from distributedjob.cluster.view import NO_VIEW, View
from distributedjob.model.errors import Problem
from distributedjob.telemetry.events import Events

LEASE_SECONDS = 5
KEEP_ALIVE_EVERY = 1.0
SILENCE = 3.0
"""A view that nothing has confirmed for so many seconds counts no more. Less than the lease, so that nobody goes by a
view from before its own key went; more than it takes to go on with another member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Who registers; `leads` is whether it can do the single duties."""

    session: int
    name: str
    roles: tuple[str, ...]
    leads: bool

    @property
    def card(self) -> bytes:
        """What stands under its key, for people who look."""
        return json.dumps({"name": self.name, "roles": self.roles}).encode()


class Registry:
    """Lives on etcd's thread, and calls back from there: `on_view` with every change of the view, `on_anew` after
    a lease was lost and replaced."""

    def __init__(
        self,
        client: EtcdClient,
        *,
        keys: Keys,
        guard: Guard,
        candidate: Candidate,
        events: Events,
        on_view: Callable[[View], None],
        on_anew: Callable[[], None],
    ) -> None:
        self._client = client
        self._keys = keys
        self._guard = guard
        self._candidate = candidate
        self._events = events
        self._on_view = on_view
        self._on_anew = on_anew
        self._shown = NO_VIEW
        self._found = NO_VIEW
        self._leader: int | None = None
        self._lease = 0
        self._confirmed_at = 0.0
        self._watching = False
        self._cut_at = 0.0
        self._trouble: Exception = EtcdAway("no member has answered yet")

    async def run(self) -> None:
        """Register, hold, and register anew, until cancelled."""
        pause, failures = AGAIN, 0
        while True:
            try:
                await self._register()
                pause, failures = AGAIN, 0
                await self._hold()
            except* LeaseGone:
                self._trouble = EtcdAway("the lease of this session is gone")
            except* EtcdAway as away:
                self._trouble = away.exceptions[0]
            except* Problem as refused:
                self._events.etcd_refused(refused.exceptions[0])
            except* Exception as broken:  # noqa: BLE001 - the node goes on without etcd, and says so
                failures += 1
                self._events.pass_failed("etcd", broken.exceptions[0], failures=failures)
            self._found, self._watching = NO_VIEW, False
            self._show()
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)

    async def leave(self) -> None:
        """Take the keys away now, after the end of `run`: the others need not wait for the lease to run out."""
        if self._lease:
            with suppress(Problem, LeaseGone):
                await self._client.revoke(self._lease)

    async def _register(self) -> None:
        await self._guard.check()
        lease = await self._client.grant(seconds=LEASE_SECONDS)
        await self._client.put(self._keys.node(self._candidate.session), self._candidate.card, lease=lease)
        before, self._lease = self._lease, lease
        if before:
            self._on_anew()

    async def _hold(self) -> None:
        """Until the lease is gone or etcd refuses us; both are raised in a group."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_alive())
            group.create_task(follow(self._client, *self._keys.members, on_read=self._note, on_cut=self._note_cut))

    async def _keep_alive(self) -> None:
        now = asyncio.get_running_loop().time
        while True:
            sent, pause = now(), KEEP_ALIVE_EVERY
            try:
                if not await self._client.keep_alive(self._lease):
                    raise LeaseGone
                self._confirmed_at = sent
            except EtcdAway as error:
                self._trouble, pause = error, AGAIN
            self._show()
            await asyncio.sleep(pause)

    async def _note(self, pairs: Pairs) -> None:
        """What is there now."""
        sessions = frozenset(session for key in pairs if (session := self._keys.find_session(key)) is not None)
        if self._candidate.session not in sessions:
            raise LeaseGone
        leader = pairs.get(self._keys.leader, b"")
        self._found = View(sessions, int(leader) if leader.isdigit() else None, healthy=True)
        self._watching = True
        self._show()
        if not leader and self._candidate.leads:
            await self._client.create(self._keys.leader, str(self._candidate.session).encode(), lease=self._lease)

    def _note_cut(self, error: EtcdAway) -> None:
        self._trouble = error
        if self._watching:
            self._watching, self._cut_at = False, asyncio.get_running_loop().time()
        self._show()

    def _show(self) -> None:
        """Pass on what was found, as long as it is confirmed."""
        view = self._found if self._is_confirmed() else NO_VIEW
        if view == self._shown:
            return
        before, self._shown = self._shown, view
        if view.healthy and not before.healthy:
            self._events.etcd_connected(nodes=len(view.sessions))
        elif before.healthy and not view.healthy:
            self._events.etcd_away(self._trouble)
        if view.leader is not None and view.leader != self._leader:
            self._leader = view.leader
            self._events.leader_changed(leader=view.leader, here=view.leader == self._candidate.session)
        self._on_view(view)

    def _is_confirmed(self) -> bool:
        """The lease was renewed of late, and the watch is open, or was: to change the member is no outage."""
        now = asyncio.get_running_loop().time()
        return now - self._confirmed_at < SILENCE and (self._watching or now - self._cut_at < SILENCE)
