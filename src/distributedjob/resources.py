"""What a process holds for its whole life, opened in order and closed in reverse."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, Union

from distributedjob.cache.open import RedisAddress, open_cache
from distributedjob.cache.port import Cache
from distributedjob.config import Settings
from distributedjob.dispatch.fanout import FanOut
from distributedjob.dispatch.local import LocalDispatch
from distributedjob.model.errors import Unavailable
from distributedjob.runtime.alongside import alongside
from distributedjob.runtime.clock import Clock, Sample, boot_micros, wall_micros
from distributedjob.runtime.ids import IdMaker
from distributedjob.services.desk import Desk
from distributedjob.store import installation, nodes, refusals, schema
from distributedjob.store.errors import Denied, ReadOnly
from distributedjob.store.facts import is_read_only
from distributedjob.store.open import open_store, parse_url
from distributedjob.store.port import Connection
from distributedjob.store.revisions import Revisions
from distributedjob.store.sqlite import SqliteStore
from distributedjob.telemetry.events import Events
from distributedjob.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from distributedjob.cluster.etcd.link import EtcdLink
    from distributedjob.dispatch.kafka.kafka import Kafka
    from distributedjob.store.mysql import MysqlStore

T = TypeVar("T")
AnyStore = Union[SqliteStore, "MysqlStore"]

PAUSE = 1.0
CLOCK_READINGS = 5
READ_ONLY = (
    "the database server is read-only: a replica, or a primary that was demoted. Let database_url name the server that "
    "takes the writes, and nothing that sends reads elsewhere: what a replica says is old"
)


class Stopped(Exception):
    """The program was told to stop while it waited for the database."""


@dataclass(frozen=True, slots=True)
class Resources:
    """`reference` reads the clock that all nodes follow, inside a transaction."""

    settings: Settings
    store: AnyStore
    clock: Clock
    ids: IdMaker
    desk: Desk
    dispatch: LocalDispatch
    events: Events
    metrics: Metrics
    token_key: bytes
    cache: Cache
    etcd: "EtcdLink | None" = None
    kafka: "Kafka | None" = None


@asynccontextmanager
async def open_resources(settings: Settings, *, events: Events, stop: asyncio.Event) -> AsyncIterator[Resources]:
    """Wait for the database, bring its schema in order, and open what a node works with. Raises Stopped."""
    available = partial(until_available, events=events, stop=stop)
    await available(lambda: schema.prepare(settings.url, backup_dir=settings.data_dir / "backups"))
    store = open_store(parse_url(settings.url), pool_size=settings.connections)
    etcd: EtcdLink | None = None
    try:
        clock = Clock.of_this_machine()
        await available(lambda: synchronise(clock, store))
        if (found := await available(lambda: store.read(schema.revision_of))) != schema.head():
            events.schema_newer(found=found or "none", known=schema.head())
        if await available(lambda: store.read(is_read_only)):
            raise ReadOnly(READ_ONLY)
        ids, dispatch = IdMaker(clock.now), LocalDispatch()
        cluster_key, token_key, cache_key = await available(lambda: store.write(_keys))
        etcd = await _open_etcd(settings, cluster_key=cluster_key, events=events)
        metrics = Metrics()
        async with _open_cache(settings, dispatch, key=cache_key, events=events, metrics=metrics) as cache:
            revisions = Revisions(shared=None if settings.uses_sqlite else cache)
            desk = Desk(store, revisions, dispatch, clock.now, ids, cluster_key)
            async with _open_kafka(settings, dispatch, desk=desk, events=events, metrics=metrics) as kafka:
                yield Resources(
                    settings, store, clock, ids, desk, dispatch, events, metrics, token_key, cache, etcd, kafka
                )
    finally:
        if etcd is not None:
            await etcd.close()
        await store.close()


async def until_available(attempt: Callable[[], Awaitable[T]], *, events: Events, stop: asyncio.Event) -> T:
    """Try until the database answers; it may start after us. Raises Stopped when there is no more need to, Denied
    when waiting would not help."""
    while not stop.is_set():
        try:
            answer = await attempt()
        except Denied:
            raise
        except Unavailable as error:
            events.database_away(error)
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE):
                    await stop.wait()
        else:
            events.database_back()
            return answer
    raise Stopped


async def _open_etcd(settings: Settings, *, cluster_key: bytes, events: Events) -> "EtcdLink | None":
    """The way to etcd, if one is set. Raises Invalid, and Conflict when its prefix is another cluster's."""
    if not settings.etcd_endpoints:
        return None
    from distributedjob.cluster.etcd.address import Credentials, EtcdAddress, read_tls  # noqa: PLC0415 - gRPC, for clusters only
    from distributedjob.cluster.etcd.link import EtcdLink  # noqa: PLC0415

    user, password, ca = settings.etcd_user, settings.etcd_password, settings.etcd_ca
    address = EtcdAddress(
        endpoints=settings.etcd_endpoints,
        credentials=Credentials(user, password.get_secret_value()) if user and password else None,
        tls=read_tls(ca, certificate=settings.etcd_certificate, key=settings.etcd_key) if ca else None,
    )
    link = EtcdLink(
        address,
        prefix=settings.etcd_prefix,
        identity=blake2b(b"etcd", key=cluster_key, digest_size=16).hexdigest(),
        events=events,
        first=random.randrange(len(address.endpoints)),  # noqa: S311 - spreads the nodes over the members
    )
    try:
        await link.open()
    except BaseException:
        await link.close()
        raise
    return link


@asynccontextmanager
async def _open_cache(
    settings: Settings, dispatch: LocalDispatch, *, key: bytes, events: Events, metrics: Metrics
) -> AsyncIterator[Cache]:
    """The cache; one that other nodes share carries news to them too."""
    if settings.redis_url is None:
        async with open_cache(None, key=key, events=events, metrics=metrics) as cache:
            yield cache
        return
    address = RedisAddress(settings.redis_url.get_secret_value(), settings.redis_ca, settings.redis_prefix)
    async with open_cache(address, key=key, events=events, metrics=metrics) as cache:
        fanout = FanOut(cache, deliver=dispatch.deliver, metrics=metrics, events=events)
        dispatch.carry_by(fanout)
        async with alongside(fanout.run(), name="fan-out"):
            yield cache


@asynccontextmanager
async def _open_kafka(
    settings: Settings, dispatch: LocalDispatch, *, desk: Desk, events: Events, metrics: Metrics
) -> AsyncIterator["Kafka | None"]:
    """Kafka, if it is set: it carries hints from now on. Raises Invalid."""
    if not settings.kafka_servers:
        yield None
        return
    from distributedjob.dispatch.kafka.access import KafkaAccess  # noqa: PLC0415 - librdkafka, where Kafka is set only
    from distributedjob.dispatch.kafka.kafka import Kafka  # noqa: PLC0415

    password = settings.kafka_password
    access = KafkaAccess(
        servers=settings.kafka_servers,
        prefix=settings.kafka_prefix,
        node=settings.node_name,
        partitions=settings.kafka_partitions,
        replication=settings.kafka_replication,
        security=settings.kafka_security.protocol,
        mechanism=settings.kafka_mechanism,
        user=settings.kafka_user or "",
        password=password.get_secret_value() if password else "",
        ca=settings.kafka_ca,
    )
    kafka = Kafka(
        access, queues=settings.queues, cluster_key=desk.cluster_key, now=desk.clock, events=events, metrics=metrics
    )
    dispatch.carry_by(kafka.publisher)
    kafka.start()
    try:
        yield kafka
    finally:
        await kafka.close()


def _keys(connection: Connection) -> tuple[bytes, bytes, bytes]:
    keys = (installation.CLUSTER_KEY, installation.TOKEN_KEY, installation.CACHE_KEY)
    cluster_key, token_key, cache_key = (installation.ensure_key(connection, name) for name in keys)
    return cluster_key, token_key, cache_key


async def synchronise(clock: Clock, store: AnyStore) -> None:
    """Start on the reference clock, so that the first fires are on time.

    A reading that waited for something, as for its connection, is off by half of that: the surest of a few counts.
    """
    reference = reference_of(store)

    def read(connection: Connection) -> Sample:
        before = boot_micros()
        return Sample(reference(connection), before, boot_micros())

    def read_some(connection: Connection) -> list[Sample]:
        return [read(connection) for _ in range(CLOCK_READINGS)]

    clock.set(min(await store.read(read_some), key=lambda sample: sample.uncertainty))


def watch_database(store: AnyStore, metrics: Metrics) -> None:
    """Show how the connections to a server are used. SQLite has none."""
    if isinstance(store, SqliteStore):
        return
    connections, retried = store.connections, store.retried
    metrics.watch("database_connections", "Connections this process may use at once.", lambda: connections.size)
    metrics.watch("database_connections_used", "Connections in use now.", lambda: connections.used)
    metrics.watch_total(
        "database_connection_waits", "How often all connections were in use.", lambda: connections.waits
    )
    metrics.watch_total(
        "database_deadlocks", "Transactions run again after a deadlock.", lambda: retried[refusals.DEADLOCK]
    )
    metrics.watch_total(
        "database_lock_waits", "Transactions run again after a wait for a lock.", lambda: retried[refusals.LOCK_WAIT]
    )


def reference_of(store: AnyStore) -> Callable[[Connection], int]:
    """The clock that all nodes follow: the server's, or with SQLite this machine's wall clock."""
    return nodes.utc_now if store.hot.dialect.name == "mysql" else lambda _: wall_micros()


def prepare_folder(path: Path) -> None:
    """Make the data folder, readable by its owner only."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
