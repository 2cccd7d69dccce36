"""What happens between one node and the servers beside it."""

import asyncio
from dataclasses import dataclass
from enum import Enum

from cluster.field import Field
from cluster.shape import SCHEDULER
from cluster.trouble import Trouble
from rig.facts import Harm
from rig.node import now
from rig.proxy import Way

SETTLE_SECONDS = 3.0
HELD_SECONDS = 8.0
DELAY_SECONDS = 0.03
RESET_BYTES = 20_000
PULLING = b"SKIP LOCKED"
"""In the transactions that claim by a look, and in none that writes results."""


class How(Enum):
    """Of a partition: connections are broken and refused, or packets vanish and nobody is told."""

    REFUSED = "refused"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Partition(Trouble):
    """One node reaches none of the servers. It lives, and the others cannot know."""

    role: str
    how: How
    hold_seconds: float = 20.0

    @property
    def group(self) -> str:
        return f"{self.role} partitioned"

    @property
    def seconds(self) -> float:
        return self.hold_seconds + SETTLE_SECONDS

    async def strike(self, field: Field) -> None:
        async with field.victim(self.role) as member:
            since = now()
            for proxy in member.lines:
                if self.how is How.REFUSED:
                    await proxy.cut()
                else:
                    proxy.stall()
            await asyncio.sleep(self.hold_seconds)
            for proxy in member.lines:
                await proxy.heal()
            until = now()
            await field.back(member)
            field.note(Harm.CUT, group=self.group, since=since, until=until, pid=member.node.pid, detail=self.how.value)


@dataclass(frozen=True, slots=True)
class BadLine(Trouble):
    """The line from one node to its database is bad for a while, in one of several ways."""

    role: str
    way: str

    @property
    def group(self) -> str:
        return f"line of {self.role} {self.way}"

    @property
    def seconds(self) -> float:
        return HELD_SECONDS + SETTLE_SECONDS

    async def strike(self, field: Field) -> None:
        async with field.victim(self.role) as member:
            since, proxy = now(), member.lines.database
            match self.way:
                case "slow":
                    proxy.delay_seconds = DELAY_SECONDS
                case "deaf":
                    proxy.stall(Way.DOWN)
                case "mute":
                    proxy.stall(Way.UP)
                case "reset":
                    proxy.reset_after(RESET_BYTES)
            await asyncio.sleep(HELD_SECONDS)
            await proxy.heal()
            until = now()
            await field.back(member)
            field.note(Harm.CUT, group=self.group, since=since, until=until, pid=member.node.pid)


@dataclass(frozen=True, slots=True)
class LoseCommit(Trouble):
    """The answer to one COMMIT of a transaction that wrote is cut away: the node cannot know whether it was written."""

    role: str
    saying: bytes = b""
    """Only of a transaction with this in one of its statements."""

    @property
    def group(self) -> str:
        return f"COMMIT of {self.role} unanswered"

    @property
    def seconds(self) -> float:
        return SETTLE_SECONDS

    async def strike(self, field: Field) -> None:
        async with field.victim(self.role) as member:
            since = now()
            member.lines.database.swallow_commits(1, saying=self.saying)
            await asyncio.sleep(1.0)
            await member.lines.database.heal()
            field.note(Harm.CUT, group=self.group, since=since, pid=member.node.pid)


BAD_LINES = tuple(
    BadLine(role, way)
    for role, ways in ((SCHEDULER, ("slow", "deaf", "mute", "reset")), ("worker", ("slow", "deaf", "mute", "reset")))
    for way in ways
)
