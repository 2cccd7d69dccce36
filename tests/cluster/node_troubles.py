"""What happens to one node: it dies, stops, freezes, or its clock is set wrong."""

import asyncio
from dataclasses import dataclass

from cluster.field import SEEN_LATE, TO_ARM, Field
from cluster.ground import Member
from cluster.shape import SCHEDULER, Shape
from cluster.trouble import Trouble
from rig.facts import Harm
from rig.node import now

START_SECONDS = 3.0
REACHED_WITHIN_SECONDS = 12.0
CLOCK_SECONDS = 10.0
RECORDING_POINTS = ("before_commit", "after_commit", "before_record", "after_record")
PUBLISHING_POINTS = ("before_publish", "after_publish")
WORKING_POINTS = (
    "before_commit",
    "after_commit",
    "before_claim",
    "after_claim",
    "before_send",
    "after_send",
    "after_receive",
    "before_result",
    "after_result",
)


@dataclass(frozen=True, slots=True)
class Kill(Trouble):
    """SIGKILL; after `down_seconds` it is started again."""

    role: str
    down_seconds: float = 1.0

    @property
    def group(self) -> str:
        return f"{self.role} killed"

    @property
    def seconds(self) -> float:
        return self.down_seconds + START_SECONDS

    async def strike(self, field: Field) -> None:
        async with field.victim(self.role) as member:
            node, since, pid = member.node, now(), member.node.pid
            await node.kill()
            await asyncio.sleep(self.down_seconds)
            await node.start()
            await field.back(member)
            field.note(Harm.KILL, group=self.group, since=since, until=since, pid=pid)


@dataclass(frozen=True, slots=True)
class CrashAt(Trouble):
    """SIGKILL by itself at the `passage`-th passage through a numbered point."""

    role: str
    point: str
    passage: int

    @property
    def group(self) -> str:
        return f"{self.role} crashed"

    @property
    def seconds(self) -> float:
        return 2 * START_SECONDS + REACHED_WITHIN_SECONDS / 2

    def fits(self, shape: Shape) -> bool:
        return shape.kafka or self.point not in PUBLISHING_POINTS

    async def strike(self, field: Field) -> None:
        async with field.victim(self.role) as member:
            node, armed_at, unarmed = member.node, now(), member.node.pid
            await self._arm(field, member)
            died = await node.wait_until_dead(seconds=REACHED_WITHIN_SECONDS + START_SECONDS)
            since, pid = now() - (SEEN_LATE if died else 0), node.pid
            if not died:
                field.not_reached[self.point] += 1
                await node.kill()
            await node.start()
            await field.back(member)
            stopped = f"{self.role} stopped"
            field.note(Harm.RESTART, group=stopped, since=armed_at, until=since, pid=unarmed, detail=TO_ARM)
            detail = f"{self.point}:{self.passage}" if died else f"{self.point} was not reached"
            harm = Harm.CRASH if died else Harm.KILL
            field.note(harm, group=self.group, since=since, until=since + SEEN_LATE, pid=pid, detail=detail)

    async def _arm(self, field: Field, member: Member) -> None:
        """A point must be in the environment at the start."""
        await field.stop(member)
        await member.node.start(crash_point=f"{self.point}:{self.passage}")


@dataclass(frozen=True, slots=True)
class Stop(Trouble):
    """SIGTERM and a new start, as in an upgrade."""

    role: str

    @property
    def group(self) -> str:
        return f"{self.role} stopped"

    @property
    def seconds(self) -> float:
        return 2 * START_SECONDS

    async def strike(self, field: Field) -> None:
        async with field.victim(self.role) as member:
            since, pid = now(), member.node.pid
            await field.stop(member)
            until = now()
            await member.node.start()
            await field.back(member)
            field.note(Harm.RESTART, group=self.group, since=since, until=until, pid=pid)


@dataclass(frozen=True, slots=True)
class Freeze(Trouble):
    """SIGSTOP, then SIGCONT: its connections stay open meanwhile."""

    role: str
    hold_seconds: float = 20.0

    @property
    def group(self) -> str:
        return f"{self.role} frozen"

    @property
    def seconds(self) -> float:
        return self.hold_seconds + START_SECONDS

    async def strike(self, field: Field) -> None:
        async with field.victim(self.role) as member:
            since = now()
            member.node.freeze()
            await asyncio.sleep(self.hold_seconds)
            until = now()
            member.node.thaw()
            await field.back(member)
            field.note(Harm.FREEZE, group=self.group, since=since, until=until, pid=member.node.pid)


@dataclass(frozen=True, slots=True)
class WrongClock(Trouble):
    """The wall clock of one node steps by `step_seconds`, and back. Its boot clock goes on as before."""

    step_seconds: int

    @property
    def group(self) -> str:
        return "clock set wrong"

    @property
    def seconds(self) -> float:
        return CLOCK_SECONDS

    async def strike(self, field: Field) -> None:
        member = field.free_with_clock()
        assert member.wall_clock is not None
        async with field.taking(member):
            since = now()
            member.wall_clock.set_wrong(seconds=self.step_seconds)
            await asyncio.sleep(CLOCK_SECONDS)
            member.wall_clock.set_right()
            detail = f"{member.node.name} by {self.step_seconds:+d} s"
            field.note(Harm.CLOCK, group=self.group, since=since, pid=member.node.pid, detail=detail)


def points_of(role: str) -> tuple[str, ...]:
    return (*RECORDING_POINTS, *PUBLISHING_POINTS) if role == SCHEDULER else WORKING_POINTS
