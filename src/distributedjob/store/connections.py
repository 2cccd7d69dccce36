"""The connections to a MySQL or MariaDB server: how many there are, how they are set up, when one is not used again.

A connection that rested longer than the server keeps it, or that led to a server which was demoted or fell silent, is
replaced before its next use; the new one resolves the server's name again.
"""

from collections.abc import Callable
from typing import Literal, TypeVar

from sqlalchemy import URL, Connection, Dialect, ExceptionContext, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlalchemy.util import greenlet_spawn

from distributedjob.model.instant import SECOND
from distributedjob.runtime.clock import boot_micros
from distributedjob.store.errors import Denied
from distributedjob.store.refusals import DENIED
from distributedjob.store.session import init_command

T = TypeVar("T")
Isolation = Literal["READ COMMITTED", "AUTOCOMMIT"]

RECYCLE_SECONDS = 1800
POOL_TIMEOUT = 10.0


class Connections:
    """At most `size` connections, made when they are needed."""

    def __init__(
        self, url: URL, *, size: int, connect_timeout: float, isolation_level: Isolation, idle_seconds: int
    ) -> None:
        self.size = size
        self.waits = 0
        """How often somebody found all of them in use, since the start."""
        self._longest_rest = idle_seconds * SECOND // 2
        self._generation = 0
        self._engine = create_async_engine(
            url,
            pool_size=size,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT,
            pool_recycle=RECYCLE_SECONDS,
            pool_use_lifo=True,
            # Every transaction here ends by its own COMMIT or ROLLBACK; the pool's would be one round trip more.
            pool_reset_on_return=None,
            isolation_level=isolation_level,
            connect_args={
                "connect_timeout": connect_timeout,
                "init_command": init_command(idle_seconds),
                "charset": "utf8mb4",
            },
        )
        event.listen(self._engine.sync_engine, "do_connect", _connect)
        event.listen(self._engine.sync_engine, "checkout", self._look_over)
        event.listen(self._engine.sync_engine, "checkin", _note_rest)
        event.listen(self._engine.sync_engine, "handle_error", _keep_pool)

    @property
    def used(self) -> int:
        """How many are in use now."""
        pool = self._engine.pool
        assert isinstance(pool, QueuePool)
        return pool.checkedout()

    async def lend(self, work: Callable[[Connection], T]) -> T:
        """Do `work` with a connection; waits for a free one. What is cancelled ends its connection.

        All of it in one greenlet: the library's own asynchronous connection takes five for a transaction, and a task.
        """
        if self.used >= self.size:
            self.waits += 1
        return await greenlet_spawn(self._lend, work)

    def _lend(self, work: Callable[[Connection], T]) -> T:
        with self._engine.sync_engine.connect() as connection:
            return work(connection)

    def distrust(self) -> None:
        """Use none of the connections made so far for another transaction."""
        self._generation += 1

    async def close(self) -> None:
        await self._engine.dispose()

    def _look_over(self, _connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        now, generation = boot_micros(), self._generation
        rested = now - record.info.get("rests_since", now)
        if rested > self._longest_rest or record.info.setdefault("generation", generation) != generation:
            raise DisconnectionError


def _connect(dialect: Dialect, _record: object, words: tuple[object, ...], named: dict[str, object]) -> object:
    """A connection that ends while it is being made (a balancer whose servers are all away takes it and drops it)
    reaches us as whatever the driver stumbled over: it is an outage, and must not be taken for a fault of ours.
    Raises Denied."""
    assert dialect.dbapi is not None
    try:
        return dialect.connect(*words, **named)
    except (dialect.dbapi.Error, OSError) as error:
        if error.args[:1] and error.args[0] in DENIED:
            reason = error.args[-1]
            raise Denied(f"the database does not let this program in: {reason}. Is database_url right?") from error
        raise
    except Exception as error:
        raise ConnectionResetError(f"the connection ended while it was made: {error}") from error


def _note_rest(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info["rests_since"] = boot_micros()


def _keep_pool(context: ExceptionContext) -> None:
    """The library would judge the other connections by the wall clock, which may step; `distrust` does without."""
    context.invalidate_pool_on_disconnect = False
