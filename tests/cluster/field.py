"""The field on which troubles happen: whom they may hit, and the record of what was done to whom.

What is not written down here excuses nothing.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from cluster.ground import READY_SECONDS, Ground, Member
from cluster.shape import WORKER
from rig.facts import SECOND, Fault, Harm
from rig.node import NodeFailed, now

BUSY_WITHIN_SECONDS = 6.0
LOOK_SECONDS = 0.05
PAIRS = "pairs"
TO_ARM = "to arm a crash point"
"""A restart that is no fault of the plan, but may explain a repeated call as any other."""


@dataclass(eq=False)
class Field:
    """Members are taken while something is done to them, so that two troubles at once meet two of them."""

    ground: Ground
    chance: random.Random
    count_running: Callable[[], Mapping[int, int]]
    """How many executions each process is running now, by pid; blocks."""
    faults: list[Fault] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    not_reached: Counter[str] = field(default_factory=Counter)
    """Crash points that nobody passed often enough in time; the node was killed from outside instead."""
    _taken: set[str] = field(default_factory=set)
    _group: str | None = None

    @asynccontextmanager
    async def victim(self, role: str) -> AsyncIterator[Member]:
        """One of that role to whom nothing is being done; among workers the one with the most calls in the air."""
        free = [member for member in self.ground.of_role(role) if member.node.name not in self._taken]
        member = await self._busiest(free) if role == WORKER else self.chance.choice(free)
        async with self.taking(member):
            yield member

    @asynccontextmanager
    async def taking(self, member: Member) -> AsyncIterator[None]:
        self._taken.add(member.node.name)
        try:
            yield
        finally:
            self._taken.discard(member.node.name)

    def free_with_clock(self) -> Member:
        """One whose wall clock can be set."""
        members = [m for m in self.ground.members if m.wall_clock is not None and m.node.name not in self._taken]
        return self.chance.choice(members)

    async def back(self, member: Member) -> None:
        """Wait until it is ready again. Raises NodeFailed when it is not in time, or ends by itself."""
        if not await member.node.wait_until_ready(seconds=READY_SECONDS):
            raise NodeFailed(f"{member.node.name} ended by itself before it was ready:\n{member.node.log_end()}")

    async def stop(self, member: Member) -> None:
        """SIGTERM, after which it must end with 0."""
        if code := await member.node.terminate():
            self.errors.append(f"{member.node.name} ended with exit code {code} after SIGTERM")

    def note(
        self,
        harm: Harm,
        *,
        group: str,
        since: int,
        until: int | None = None,
        pid: int | None = None,
        detail: str = "",
    ) -> None:
        """Write down what was done from `since` to `until` (now, if not given); by now everybody is back."""
        at = now()
        ended_at = at if until is None else until
        self.faults.append(
            Fault(
                harm=harm,
                started_at=since,
                ended_at=ended_at,
                pid=pid,
                detail=detail,
                group=self._group or group,
                over_at=at,
            )
        )

    @contextmanager
    def as_pair(self) -> Iterator[None]:
        """What happens now is measured as a pair, whatever it is."""
        self._group = PAIRS
        try:
            yield
        finally:
            self._group = None

    async def _busiest(self, members: list[Member]) -> Member:
        """To freeze or kill a worker that does nothing proves little."""
        deadline = time.monotonic() + BUSY_WITHIN_SECONDS
        while time.monotonic() < deadline:
            running = await asyncio.to_thread(self.count_running)
            busy = [member for member in members if running.get(member.node.pid)]
            if busy:
                return max(busy, key=lambda member: running[member.node.pid])
            await asyncio.sleep(LOOK_SECONDS)
        return self.chance.choice(members)


SEEN_LATE = SECOND // 5
"""A process that killed itself died at most this long before the rig noticed."""
