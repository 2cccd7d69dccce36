"""What a process holds for its whole life, opened in order and closed in reverse."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Union

from distributedjob.config import Settings
from distributedjob.dispatch.local import LocalDispatch
from distributedjob.model.errors import Unavailable
from distributedjob.runtime.clock import Clock, Sample, boot_micros, wall_micros
from distributedjob.runtime.ids import IdMaker
from distributedjob.services.desk import Desk
from distributedjob.store import installation, nodes, schema
from distributedjob.store.open import open_store, parse_url
from distributedjob.store.port import Connection
from distributedjob.store.revisions import Revisions
from distributedjob.store.sqlite import SqliteStore
from distributedjob.telemetry.events import Events
from distributedjob.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from distributedjob.store.mysql import MysqlStore

AnyStore = Union[SqliteStore, "MysqlStore"]


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


@asynccontextmanager
async def open_resources(settings: Settings, *, events: Events) -> AsyncIterator[Resources]:
    """Wait for the database, bring its schema in order, and open what a node works with."""
    await until_available(lambda: schema.prepare(settings.url, backup_dir=settings.data_dir / "backups"), events=events)
    store = open_store(parse_url(settings.url))
    try:
        clock = Clock.of_this_machine()
        await until_available(lambda: synchronise(clock, store), events=events)
        ids, dispatch = IdMaker(clock.now), LocalDispatch()
        cluster_key = await store.write(lambda c: installation.ensure_key(c, installation.CLUSTER_KEY))
        token_key = await store.write(lambda c: installation.ensure_key(c, installation.TOKEN_KEY))
        desk = Desk(store, Revisions(), dispatch, clock.now, ids, cluster_key)
        yield Resources(settings, store, clock, ids, desk, dispatch, events, Metrics(), token_key)
    finally:
        await store.close()


async def until_available(attempt: Callable[[], Awaitable[object]], *, events: Events) -> None:
    """Try until the database answers; it may start after us."""
    while True:
        try:
            await attempt()
        except Unavailable as error:
            events.database_away(error)
            await asyncio.sleep(1.0)
        else:
            events.database_back()
            return


async def synchronise(clock: Clock, store: AnyStore) -> None:
    """Start on the reference clock, so that the first fires are on time."""
    before = boot_micros()
    reference = await store.read(reference_of(store))
    clock.set(Sample(reference, before, boot_micros()))


def reference_of(store: AnyStore) -> Callable[[Connection], int]:
    """The clock that all nodes follow: the server's, or with SQLite this machine's wall clock."""
    return nodes.utc_now if store.hot.dialect.name == "mysql" else lambda _: wall_micros()


def prepare_folder(path: Path) -> None:
    """Make the data folder, readable by its owner only."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
