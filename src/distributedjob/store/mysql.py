"""MySQL and MariaDB over an async driver, READ COMMITTED, every statement's rows counted as matched.

Units are synchronous functions; SQLAlchemy's greenlet bridge runs them on the event loop. Deadlocks and lock
waits are retried here, since a unit changes nothing but the database. A demoted or vanished primary empties
the pool, so the next transaction finds the new one.
"""

import asyncio
from typing import Literal, TypeVar

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from distributedjob.runtime import crash
from distributedjob.store.errors import StoreUnavailable
from distributedjob.store.hot.dialect import MysqlDialect
from distributedjob.store.hot.statements import HotStatements
from distributedjob.store.port import Unit

T = TypeVar("T")

Isolation = Literal["READ COMMITTED", "AUTOCOMMIT"]

RETRIES = 5
TRANSACTION_SECONDS = 20.0
"""A server that froze, or a network that swallows packets, says nothing at all. Longer than a wait for a lock."""

INIT = "SET innodb_lock_wait_timeout=5, time_zone='+00:00' /*M!100300 , idle_transaction_timeout=5 */"
"""A node that freezes inside a transaction keeps its row locks, and with them the fires of everybody, for as long as
it is frozen. MariaDB ends such a transaction by itself; MySQL has no such setting and takes this for a comment."""

DEADLOCK, LOCK_WAIT = 1213, 1205
DEMOTED = frozenset({1290, 1792, 1836})
AWAY = frozenset(
    {
        1040,
        1042,
        1043,
        1053,
        1077,
        1079,
        1152,
        1158,
        1159,
        1160,
        1161,
        1184,
        1203,
        1317,
        2000,
        2002,
        2003,
        2005,
        2006,
        2013,
        2014,
        2027,
        2055,
    }
)


SILENCE = (OSError, PoolTimeout, TimeoutError, asyncio.IncompleteReadError)


class MysqlStore:
    """A pool of connections to one server that keeps acknowledged commits."""

    def __init__(
        self,
        url: URL,
        *,
        pool_size: int = 10,
        connect_timeout: float = 5.0,
        transaction_timeout: float = TRANSACTION_SECONDS,
        isolation_level: Isolation = "READ COMMITTED",
    ) -> None:
        self.hot = HotStatements(MysqlDialect())
        self.retried = 0
        """Units run again after a deadlock or a lock wait, since the start."""
        self._url = url
        self._timeout = transaction_timeout
        self._engine = _engine(
            url, pool_size=pool_size, connect_timeout=connect_timeout, isolation_level=isolation_level
        )

    async def write(self, unit: Unit[T]) -> T:
        for turn in range(RETRIES):
            try:
                return await self._transaction(unit)
            except DBAPIError as error:
                code = code_of(error)
                if code not in (DEADLOCK, LOCK_WAIT) or turn == RETRIES - 1:
                    raise await self._translate(error, code) from error
                self.retried += 1
                await asyncio.sleep(0.002 * (turn + 1))
            except SILENCE as error:
                raise StoreUnavailable(
                    f"the database cannot be reached: {str(error) or 'it does not answer'}"
                ) from error
        raise AssertionError("unreachable")

    async def read(self, unit: Unit[T]) -> T:
        try:
            async with asyncio.timeout(self._timeout), self._engine.connect() as connection:
                return await connection.run_sync(unit)
        except DBAPIError as error:
            raise await self._translate(error, code_of(error)) from error
        except SILENCE as error:
            raise StoreUnavailable(f"the database cannot be reached: {str(error) or 'it does not answer'}") from error

    def blocking(self) -> "BlockingMysql":
        """For a thread without an event loop; call it in that thread."""
        return BlockingMysql(self._url)

    async def close(self) -> None:
        await self._engine.dispose()

    async def _transaction(self, unit: Unit[T]) -> T:
        async with asyncio.timeout(self._timeout), self._engine.connect() as connection:
            async with connection.begin():
                answer = await connection.run_sync(unit)
                crash.reached("before_commit")
            crash.reached("after_commit")
            return answer

    async def _translate(self, error: DBAPIError, code: int | None) -> Exception:
        if code in DEMOTED:
            # These connections work, but lead to a server that must not be written to any more.
            await self._engine.dispose()
        if code in DEMOTED or code in AWAY or code in (DEADLOCK, LOCK_WAIT) or error.connection_invalidated:
            return StoreUnavailable(f"the database cannot be used now: {error.orig}")
        if isinstance(error, InterfaceError) or (isinstance(error, OperationalError) and code is None):
            return StoreUnavailable(f"the database cannot be reached: {error.orig}")
        return error


class BlockingMysql:
    """One connection for a thread without an event loop (heartbeats): it brings a loop of its own.

    Each statement commits by itself: a node that freezes between two of them must not keep the lock on its own row,
    or nobody could declare it dead.
    """

    def __init__(self, url: URL) -> None:
        self._runner = asyncio.Runner()
        self._store = self._runner.run(self._open(url))

    async def _open(self, url: URL) -> MysqlStore:
        return MysqlStore(url, pool_size=1, isolation_level="AUTOCOMMIT")

    def write(self, unit: Unit[T], *, timeout: float) -> T:
        """Run `unit`, statement by statement; raises TimeoutError after `timeout` seconds."""
        return self._runner.run(asyncio.wait_for(self._store.write(unit), timeout))

    def close(self) -> None:
        self._runner.run(self._store.close())
        self._runner.close()


def code_of(error: DBAPIError) -> int | None:
    """The server's error number, if it sent one."""
    arguments = getattr(error.orig, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else None


def _engine(url: URL, *, pool_size: int, connect_timeout: float, isolation_level: Isolation) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=2,
        pool_timeout=10,
        pool_recycle=1800,
        pool_use_lifo=True,
        # Every transaction here ends by its own COMMIT or ROLLBACK; the pool's would be one round trip more for each.
        pool_reset_on_return=None,
        isolation_level=isolation_level,
        connect_args={
            "connect_timeout": connect_timeout,
            "init_command": INIT,
            "charset": "utf8mb4",
        },
    )
