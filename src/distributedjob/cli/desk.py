"""The services on the database itself, without a running program: for the operator's commands on this machine.

News has no listener here: a program that runs beside finds what was written by its own polls, a second later.
"""

import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from distributedjob import __version__
from distributedjob.dispatch.local import LocalDispatch
from distributedjob.model.errors import Conflict, NotFound
from distributedjob.model.identity import IdSequence
from distributedjob.runtime.clock import Clock, boot_micros
from distributedjob.services.desk import Desk
from distributedjob.store import nodes, schema
from distributedjob.store.installation import CLUSTER_KEY, ensure_key
from distributedjob.store.port import Store, Unit
from distributedjob.store.revisions import Revisions


@asynccontextmanager
async def open_desk(url: str) -> AsyncIterator[Desk]:
    """Raises NotFound or Conflict unless the database has the schema of this program; StoreUnavailable."""
    await require_schema(url)
    async with schema.opened(url) as store:
        clock = Clock.of_this_machine() if schema.sqlite_path(url) else await _clock_of(store)
        session = secrets.randbits(62)
        number = await store.write(_registration(session, clock))
        key = await store.write(lambda connection: ensure_key(connection, CLUSTER_KEY))
        ids = IdSequence(number)
        try:
            yield Desk(store, Revisions(), LocalDispatch(), clock.now, lambda: ids.next(clock.now()), key)
        finally:
            await store.write(lambda connection: nodes.end_session(connection, session=session, now=clock.now()))


async def require_schema(url: str) -> None:
    found = await schema.find_revision(url)
    schema.refuse_newer(found)
    if found is None:
        raise NotFound("there is no database here yet; 'distributedjob serve' makes it. Is --data-dir the right one?")
    if found != schema.head():
        raise Conflict(f"the schema is {found}, this program needs {schema.head()}; run '{schema.UPGRADE_COMMAND}'")


async def _clock_of(store: Store) -> Clock:
    reference = await store.read(nodes.utc_now)
    return Clock(offset=reference - boot_micros())


def _registration(session: int, clock: Clock) -> Unit[int]:
    """Node bits of our own, so that ids made here meet no other node's."""
    row = nodes.NodeRow(
        session=session,
        number=0,
        name=f"cli {socket.gethostname()}"[:128],
        pid=os.getpid(),
        version=__version__,
        roles="",
        queues="",
        slots=0,
    )
    return lambda connection: nodes.register(connection, row, now=clock.now())
