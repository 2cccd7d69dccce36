"""Everything of a leg that runs: the neighbours, a relay from each node to each of them, and the nodes."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cluster.broker import RelayedBroker
from cluster.shape import SCHEDULER, WORKER, Shape
from rig.node import Node, NodeFailed
from rig.proxy import Proxy
from support.daemon import HOST
from support.etcd_server import EtcdCluster
from support.faketime import WallClock
from support.mariadb_server import MariadbServer
from support.program import pick_free_port
from support.redis_server import RedisServer

READY_SECONDS = 120.0
"""A node that starts while its database is away waits for it."""
_ROLES = {SCHEDULER: frozenset({"api", "scheduler"}), WORKER: frozenset({"worker"})}


@dataclass(frozen=True, slots=True)
class Lines:
    """The connections of one node, each through a relay."""

    database: Proxy
    etcd: tuple[Proxy, ...] = ()
    kafka: tuple[Proxy, ...] = ()
    redis: tuple[Proxy, ...] = ()

    def __iter__(self) -> Iterator[Proxy]:
        return iter((self.database, *self.etcd, *self.kafka, *self.redis))


@dataclass(frozen=True, slots=True)
class Member:
    """A node with its place in the cluster."""

    node: Node
    role: str
    lines: Lines
    wall_clock: WallClock | None


@dataclass(frozen=True, slots=True)
class Ground:
    members: tuple[Member, ...]
    mariadb: MariadbServer
    etcd: EtcdCluster | None
    kafka: RelayedBroker | None
    redis: RedisServer | None

    def of_role(self, role: str) -> list[Member]:
        return [member for member in self.members if member.role == role]

    @property
    def nodes(self) -> list[Node]:
        return [member.node for member in self.members]


@asynccontextmanager
async def open_ground(shape: Shape, *, folder: Path, source: Path) -> AsyncIterator[Ground]:
    """All started and ready; whatever still runs at the end is killed."""
    async with AsyncExitStack() as stack:
        mariadb = MariadbServer(folder / "mariadb")
        etcd = EtcdCluster(folder / "etcd") if shape.etcd else None
        redis = RedisServer(folder / "redis") if shape.redis else None
        kafka = RelayedBroker(folder / "kafka") if shape.kafka else None
        members = []
        for name, role in shape.nodes:
            lines = await _lines(mariadb, etcd, kafka, redis)
            for proxy in lines:
                stack.push_async_callback(proxy.close)
            settings = {**_settings(lines, shape, redis), **_database(mariadb, lines)}
            members.append(_member(name, role, lines, shape, settings, folder=folder, source=source))
        ground = Ground(tuple(members), mariadb, etcd, kafka, redis)
        for server in (mariadb, etcd, redis, kafka):
            if server is not None:
                stack.callback(server.close)
                await asyncio.to_thread(server.start)
        await _start_nodes(ground, stack)
        yield ground


async def _start_nodes(ground: Ground, stack: AsyncExitStack) -> None:
    await ground.nodes[0].upgrade_database()
    for node in ground.nodes:
        stack.push_async_callback(node.close)
        await node.start()
    for node in ground.nodes:
        if not await node.wait_until_ready(seconds=READY_SECONDS):
            raise NodeFailed(f"{node.name} ended by itself before it was ready:\n{node.log_end()}")


async def _lines(
    mariadb: MariadbServer, etcd: EtcdCluster | None, kafka: RelayedBroker | None, redis: RedisServer | None
) -> Lines:
    kafka_port = pick_free_port()
    lines = Lines(
        database=Proxy(HOST, mariadb.port),
        etcd=tuple(Proxy(HOST, int(endpoint.rpartition(":")[2])) for endpoint in etcd.endpoints) if etcd else (),
        kafka=(Proxy(HOST, kafka_port),) if kafka else (),
        redis=(Proxy(HOST, redis.port),) if redis else (),
    )
    for proxy in lines:
        await proxy.start()
    if kafka:
        kafka.add_relay(port=kafka_port, advertised=lines.kafka[0].port)
    return lines


def _member(
    name: str, role: str, lines: Lines, shape: Shape, settings: Mapping[str, str], *, folder: Path, source: Path
) -> Member:
    wall_clock = WallClock(folder / f"{name}-clock") if name.endswith("-1") else None
    own = {"DISTRIBUTEDJOB_QUEUES": json.dumps(shape.queues_of(name)), **(wall_clock.settings if wall_clock else {})}
    node = Node(name, folder / name, pick_free_port(), {**settings, **own}, source, roles=_ROLES[role])
    return Member(node, role, lines, wall_clock)


def _database(mariadb: MariadbServer, lines: Lines) -> Mapping[str, str]:
    return {"DISTRIBUTEDJOB_DATABASE_URL": mariadb.url(port=lines.database.port)}


def _settings(lines: Lines, shape: Shape, redis: RedisServer | None) -> Mapping[str, str]:
    settings = {
        "DISTRIBUTEDJOB_ALLOW_PRIVATE_TARGETS": "true",
        "DISTRIBUTEDJOB_OWN_ALL_SHARDS": json.dumps(shape.owned_twice),
        "DISTRIBUTEDJOB_LOG_FORMAT": "json",
    }
    if lines.etcd:
        settings["DISTRIBUTEDJOB_ETCD_ENDPOINTS"] = json.dumps([f"{HOST}:{proxy.port}" for proxy in lines.etcd])
    if lines.kafka:
        settings["DISTRIBUTEDJOB_KAFKA_SERVERS"] = json.dumps([f"{HOST}:{proxy.port}" for proxy in lines.kafka])
    if redis is not None:
        parts = urlsplit(redis.url)
        netloc = f"{parts.netloc.rpartition(':')[0]}:{lines.redis[0].port}"
        settings["DISTRIBUTEDJOB_REDIS_URL"] = parts._replace(netloc=netloc).geturl()
    return settings
