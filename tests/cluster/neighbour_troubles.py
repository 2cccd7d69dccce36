"""What happens to the servers beside the nodes: the database, etcd, Kafka, Redis."""

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import redis

from cluster.field import Field
from cluster.ground import Ground
from cluster.shape import Shape
from cluster.trouble import Trouble
from rig.facts import Harm
from rig.node import now
from support.daemon import Daemon

RETURN_SECONDS = 4.0
LONG_SECONDS = 25.0
_PAST = {"kill": "killed", "stop": "restarted", "freeze": "frozen", "wipe": "wiped"}


class NeighbourTrouble(Trouble):
    """Begun, held for `hold_seconds`, and ended. `begin` and `end` block."""

    server: str
    hold_seconds: float

    @property
    def seconds(self) -> float:
        return self.hold_seconds + RETURN_SECONDS

    @abstractmethod
    def begin(self, field: Field) -> Sequence[Daemon]:
        """Do the harm, to these."""

    @abstractmethod
    def end(self, field: Field, harmed: Sequence[Daemon]) -> None:
        """Undo it; returns when they serve again."""

    async def strike(self, field: Field) -> None:
        since = now()
        harmed = await asyncio.to_thread(self.begin, field)
        await asyncio.sleep(self.hold_seconds)
        await asyncio.to_thread(self.end, field, harmed)
        field.note(Harm.NEIGHBOUR, group=self.group, since=since, detail=self.server)


@dataclass(frozen=True)
class Lose(NeighbourTrouble):
    """A server is lost by a `verb` of its own: kill, stop, freeze, wipe; and comes back after `hold_seconds`."""

    server: str
    verb: str
    hold_seconds: float = 1.0

    @property
    def group(self) -> str:
        if self.server == "mariadb" and self.hold_seconds >= LONG_SECONDS:
            return "mariadb away"
        return f"{self.server} {_PAST[self.verb]}"

    def fits(self, shape: Shape) -> bool:
        return self.server == "mariadb" or bool(getattr(shape, self.server))

    def begin(self, field: Field) -> Sequence[Daemon]:
        daemon = _daemon(field.ground, self.server)
        getattr(daemon, self.verb)()
        return (daemon,)

    def end(self, field: Field, harmed: Sequence[Daemon]) -> None:
        _bring_back(harmed)


@dataclass(frozen=True)
class ReadOnly(NeighbourTrouble):
    """The database refuses every write, as a demoted primary does (error 1290)."""

    hold_seconds: float = 8.0
    server: str = "mariadb"

    @property
    def group(self) -> str:
        return "mariadb read-only"

    def begin(self, field: Field) -> Sequence[Daemon]:
        field.ground.mariadb.execute("SET GLOBAL read_only = 1")
        return ()

    def end(self, field: Field, harmed: Sequence[Daemon]) -> None:
        field.ground.mariadb.execute("SET GLOBAL read_only = 0")


@dataclass(frozen=True)
class Flush(NeighbourTrouble):
    """Redis forgets everything and goes on."""

    hold_seconds: float = 1.0
    server: str = "redis"

    @property
    def group(self) -> str:
        return "redis flushed"

    def fits(self, shape: Shape) -> bool:
        return shape.redis

    def begin(self, field: Field) -> Sequence[Daemon]:
        assert field.ground.redis is not None
        with redis.Redis.from_url(field.ground.redis.url) as client:
            client.flushall()
        return ()

    def end(self, field: Field, harmed: Sequence[Daemon]) -> None:
        pass


@dataclass(frozen=True)
class LoseMembers(NeighbourTrouble):
    """So many of the three etcd members are killed or frozen; without a quorum the rest refuses everything."""

    verb: str
    members: int = 1
    hold_seconds: float = 10.0
    server: str = "etcd"

    @property
    def group(self) -> str:
        return "etcd quorum lost" if self.members > 1 else f"etcd member {_PAST[self.verb]}"

    def fits(self, shape: Shape) -> bool:
        return shape.etcd

    def begin(self, field: Field) -> Sequence[Daemon]:
        """The leader is one of them, if it can be found."""
        cluster = field.ground.etcd
        assert cluster is not None
        leader = cluster.find_leader()
        others = [member for member in cluster.members if member is not leader]
        field.chance.shuffle(others)
        harmed = [*([leader] if leader else []), *others][: self.members]
        for member in harmed:
            getattr(member, self.verb)()
        return harmed

    def end(self, field: Field, harmed: Sequence[Daemon]) -> None:
        _bring_back(harmed)


def _bring_back(harmed: Sequence[Daemon]) -> None:
    """A frozen server goes on, a dead one is started; together, since some need each other to be ready."""
    for daemon in harmed:
        if daemon.is_running:
            daemon.thaw()
        else:
            daemon.launch()
    for daemon in harmed:
        daemon.wait_until_ready()


def _daemon(ground: Ground, name: str) -> Daemon:
    daemon: Daemon | None = {"mariadb": ground.mariadb, "kafka": ground.kafka, "redis": ground.redis}[name]
    assert daemon is not None, f"there is no {name} in this leg"
    return daemon
