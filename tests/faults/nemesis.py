"""Does the harm, seeded, and writes down when and to which process: what is not written down excuses nothing."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rig.facts import SECOND, Fault, Harm
from rig.node import Node, NodeFailed, now
from rig.proxy import Proxy

POINTS = (
    "before_commit",
    "after_commit",
    "before_record",
    "after_record",
    "before_claim",
    "after_claim",
    "before_send",
    "after_send",
    "after_receive",
    "before_result",
    "after_result",
)
RARE = ("before_record", "after_record", "before_claim", "after_claim")
LIFE_SECONDS = (3.0, 5.0)
REACHED_WITHIN_SECONDS = 12.0
DOWN_SECONDS = (0.0, 1.0)
PASSAGES, RARE_PASSAGES = 60, 6
TO_ARM = "to arm the first crash point"
"""A restart that is no fault of the plan, but may explain a repeated call as any other."""
JOURNAL_SECONDS = 3.0
"""Long enough for the calls in the air to end, and for a start to find no database."""
BUSY_SECONDS = 0.05
SEEN_LATE = SECOND // 5
"""A process that killed itself died at most this long before the rig noticed."""


@dataclass(frozen=True, slots=True)
class RandomKill:
    """SIGKILL after a life of 3 to 5 seconds."""


@dataclass(frozen=True, slots=True)
class CrashAt:
    """SIGKILL by itself at the `passage`-th passage through a numbered point."""

    point: str
    passage: int


class Once:
    """Trouble that happens to one node, one time."""

    __slots__ = ()

    def times(self, _nodes: int) -> int:
        """How many faults it is, among so many nodes."""
        return 1


@dataclass(frozen=True, slots=True)
class Freeze(Once):
    seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class CutDatabase:
    """`everywhere`, or for one node alone."""

    seconds: float
    everywhere: bool = True

    def times(self, nodes: int) -> int:
        return nodes if self.everywhere else 1


@dataclass(frozen=True, slots=True)
class KillWithoutDatabase:
    """The database is cut off everywhere; a node dies with results that only its journal has, and starts again."""

    def times(self, nodes: int) -> int:
        return nodes + 1


@dataclass(frozen=True, slots=True)
class StallDatabase(Once):
    """Packets vanish, for one node."""

    seconds: float


@dataclass(frozen=True, slots=True)
class SlowDatabase(Once):
    seconds: float
    delay_seconds: float = 0.03


@dataclass(frozen=True, slots=True)
class LoseCommits:
    """The answers of so many COMMITs are cut away, a second apart, at each node in turn."""

    count: int

    def times(self, _nodes: int) -> int:
        return self.count


@dataclass(frozen=True, slots=True)
class RestartNode(Once):
    """SIGTERM and a new start, as in an upgrade."""


Death = RandomKill | CrashAt
Trouble = Freeze | CutDatabase | KillWithoutDatabase | StallDatabase | SlowDatabase | LoseCommits | RestartNode


def plan_deaths(count: int, *, chance: random.Random) -> list[Death]:
    """Half at random, half at numbered points, each point about as often; shuffled."""
    points = list(POINTS)
    chance.shuffle(points)
    deaths: list[Death] = [RandomKill() for _ in range(count - count // 2)]
    for number in range(count // 2):
        point = points[number % len(points)]
        deaths.append(CrashAt(point, chance.randint(1, RARE_PASSAGES if point in RARE else PASSAGES)))
    chance.shuffle(deaths)
    return deaths


@dataclass(eq=False)
class Nemesis:
    """Harms `nodes`; `proxies` stand between them and their database, in the same order, where there are any."""

    nodes: Sequence[Node]
    proxies: Sequence[Proxy]
    chance: random.Random
    count_running: Callable[[], Mapping[int, int]]
    """How many executions each process is running now, by pid; blocks."""
    faults: list[Fault] = field(default_factory=list)
    not_reached: Counter[str] = field(default_factory=Counter)
    """Crash points that nobody passed often enough in time; the node was killed from outside instead."""

    async def kill_all(self, deaths: Sequence[Death]) -> None:
        """Share the deaths out; the nodes die side by side, each as soon as it has lived."""
        shares = [list(deaths[number :: len(self.nodes)]) for number in range(len(self.nodes))]
        async with asyncio.TaskGroup() as group:
            for node, share in zip(self.nodes, shares, strict=True):
                if share:
                    group.create_task(self._kill_often(node, share))

    async def trouble_all(self, troubles: Sequence[Trouble]) -> None:
        """One after the other, with a pause in which the nodes find each other again."""
        for number, trouble in enumerate(troubles):
            victim = number % len(self.nodes)
            await self._trouble(trouble, victim)
            await asyncio.sleep(self.chance.uniform(*LIFE_SECONDS))

    async def _kill_often(self, node: Node, deaths: Sequence[Death]) -> None:
        for number, death in enumerate(deaths):
            # The first life began unarmed, with the tasks being made; a point must be in the environment at the start.
            if number > 0 or isinstance(death, CrashAt):
                await self._start_again(node, death)
            await self._end_life(node, death)
        await self._start_again(node, RandomKill())

    async def _start_again(self, node: Node, death: Death) -> None:
        if node.is_alive:
            since = now()
            await node.terminate()
            self._note(Harm.RESTART, node, since=since, detail=TO_ARM)
        await asyncio.sleep(self.chance.uniform(*DOWN_SECONDS))
        await node.start(crash_point=f"{death.point}:{death.passage}" if isinstance(death, CrashAt) else None)

    async def _end_life(self, node: Node, death: Death) -> None:
        ready = await node.wait_until_ready()
        if not ready and not isinstance(death, CrashAt):
            raise NodeFailed(f"{node.name} ended by itself before it was ready:\n{node.log_end()}")
        seconds = REACHED_WITHIN_SECONDS if isinstance(death, CrashAt) else self.chance.uniform(*LIFE_SECONDS)
        if await node.wait_until_dead(seconds=seconds):
            if not isinstance(death, CrashAt):
                raise NodeFailed(f"{node.name} ended by itself:\n{node.log_end()}")
            self._note(Harm.CRASH, node, since=now() - SEEN_LATE, detail=f"{death.point}:{death.passage}")
            return
        killed_at = now()
        await node.kill()
        if isinstance(death, CrashAt):
            self.not_reached[death.point] += 1
        self._note(Harm.KILL, node, since=killed_at)

    async def _trouble(self, trouble: Trouble, victim: int) -> None:
        node = self.nodes[victim]
        match trouble:
            case Freeze(seconds):
                await self._freeze(await self._find_busiest(), seconds)
            case RestartNode():
                since = now()
                await node.terminate()
                await node.start()
                await node.wait_until_ready()
                self._note(Harm.RESTART, node, since=since, pid=node.pids[-2])
            case CutDatabase(seconds, everywhere):
                await self._cut(range(len(self.nodes)) if everywhere else [victim], seconds)
            case KillWithoutDatabase():
                await self._kill_without_database(node)
            case StallDatabase(seconds):
                since = now()
                self.proxies[victim].stall()
                await asyncio.sleep(seconds)
                await self.proxies[victim].heal()
                self._note(Harm.CUT, node, since=since, detail="stalled")
            case SlowDatabase(seconds, delay_seconds):
                since = now()
                self.proxies[victim].delay_seconds = delay_seconds
                await asyncio.sleep(seconds)
                await self.proxies[victim].heal()
                self._note(Harm.CUT, node, since=since, detail="slow")
            case LoseCommits(count):
                await self._lose_commits(count)

    async def _find_busiest(self) -> Node:
        """The node with the most calls in the air, once there are any: to freeze an idle one proves nothing."""
        deadline = time.monotonic() + REACHED_WITHIN_SECONDS
        while time.monotonic() < deadline:
            running = await asyncio.to_thread(self.count_running)
            busiest = max(self.nodes, key=lambda node: running.get(node.pid, 0))
            if running.get(busiest.pid):
                return busiest
            await asyncio.sleep(BUSY_SECONDS)
        raise NodeFailed("no node has calls in the air")

    async def _freeze(self, node: Node, seconds: float) -> None:
        since = now()
        node.freeze()
        await asyncio.sleep(seconds)
        node.thaw()
        self._note(Harm.FREEZE, node, since=since)

    async def _cut(self, victims: Sequence[int], seconds: float) -> None:
        since = now()
        for victim in victims:
            await self.proxies[victim].cut()
        await asyncio.sleep(seconds)
        for victim in victims:
            await self.proxies[victim].heal()
        for victim in victims:
            self._note(Harm.CUT, self.nodes[victim], since=since, detail="cut")

    async def _kill_without_database(self, node: Node) -> None:
        since, victims = now(), [other for other in self.nodes if other is not node]
        for proxy in self.proxies:
            await proxy.cut()
        await asyncio.sleep(JOURNAL_SECONDS)
        killed_at = now()
        await node.kill()
        self._note(Harm.CUT, node, since=since, detail="cut")
        self._note(Harm.KILL, node, since=killed_at)
        await node.start()
        await asyncio.sleep(JOURNAL_SECONDS)
        for proxy in self.proxies:
            await proxy.heal()
        for victim in victims:
            self._note(Harm.CUT, victim, since=since, detail="cut")
        await node.wait_until_ready()

    async def _lose_commits(self, count: int) -> None:
        for number in range(count):
            victim = number % len(self.proxies)
            since = now()
            self.proxies[victim].swallow_commits(1)
            await asyncio.sleep(1.0)
            self._note(Harm.CUT, self.nodes[victim], since=since, detail="an answer to a COMMIT was lost")

    def _note(self, harm: Harm, node: Node, *, since: int, detail: str = "", pid: int | None = None) -> None:
        fault = Fault(harm=harm, started_at=since, ended_at=now(), pid=pid or node.pid, detail=detail)
        self.faults.append(fault)
