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
from distributedjob.resources import synchronise
from distributedjob.runtime.clock import Clock
from distributedjob.runtime.ids import IdMaker
from distributedjob.services.desk import Desk
from distributedjob.store import nodes, schema
from distributedjob.store.installation import CLUSTER_KEY, ensure_key
from distributedjob.store.open import open_store, parse_url
from distributedjob.store.revisions import Revisions


@asynccontextmanager
async def open_desk(url: str) -> AsyncIterator[Desk]:
    """Raises NotFound or Conflict unless the database has the schema of this program; StoreUnavailable."""
    await require_schema(url)
    store = open_store(parse_url(url), pool_size=2)
    try:
        clock = Clock.of_this_machine()
        await synchronise(clock, store)
        ids, session = IdMaker(clock.now), secrets.randbits(62) | 1
        key = await store.write(lambda connection: ensure_key(connection, CLUSTER_KEY))
        row = _node_row(session)
        ids.lease(await store.write(lambda connection: nodes.register(connection, row, now=clock.now())))
        try:
            yield Desk(store, Revisions(), LocalDispatch(), clock.now, ids, key)
        finally:
            await store.write(lambda connection: nodes.end_session(connection, session=session, now=clock.now()))
    finally:
        await store.close()


async def require_schema(url: str) -> None:
    found = await schema.find_revision(url)
    if await schema.tolerates(url, found):
        return
    schema.refuse_newer(found)
    if found is None:
        raise NotFound("there is no database here yet; 'distributedjob serve' makes it. Is --data-dir the right one?")
    if found != schema.head():
        raise Conflict(f"the schema is {found}, this program needs {schema.head()}; run '{schema.UPGRADE_COMMAND}'")


def _node_row(session: int) -> nodes.NodeRow:
    """A session without roles: it leases node bits, so that ids made here meet no other node's."""
    return nodes.NodeRow(
        session=session,
        number=0,
        name=f"cli {socket.gethostname()}"[:128],
        pid=os.getpid(),
        version=__version__,
        roles="",
        queues="",
        labels="",
        slots=0,
    )
