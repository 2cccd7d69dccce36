"""MySQL and MariaDB over an async driver, READ COMMITTED, every statement's rows counted as matched.

Units are synchronous functions; SQLAlchemy's greenlet bridge runs them on the event loop. Deadlocks and lock
waits are retried here, since a unit changes nothing but the database. A demoted, vanished or silent server makes
its connections worthless, so the next transaction finds the new one.
"""

import asyncio
import random
from collections import Counter
from functools import partial
from typing import TypeVar

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from distributedjob.runtime import crash
from distributedjob.store.connections import Connections, Isolation
from distributedjob.store.errors import Contended, ReadOnly, StoreUnavailable, TooLong
from distributedjob.store.hot.dialect import MysqlDialect
from distributedjob.store.hot.statements import HotStatements
from distributedjob.store.port import TRANSACTION_SECONDS, Connection, Unit
from distributedjob.store.refusals import AWAY, DEADLOCK, DEMOTED, LOCK_WAIT, TOO_LONG, code_of, length_of
from distributedjob.store.session import IDLE_SECONDS

T = TypeVar("T")

TRIES = {DEADLOCK: 5, LOCK_WAIT: 2}
"""A deadlock is over at once; each wait for a lock takes five seconds, and whoever asked waits as well."""

RETRY_PAUSE = 0.01
SHORT = 4096
"""Bytes that every server takes in one statement."""

SILENCE = (OSError, TimeoutError, asyncio.IncompleteReadError)


class MysqlStore:
    """A pool of connections to one server that keeps acknowledged commits."""

    def __init__(
        self,
        url: URL,
        *,
        pool_size: int = 10,
        transaction_timeout: float = TRANSACTION_SECONDS,
        connect_timeout: float = 5.0,
        idle_seconds: int = IDLE_SECONDS,
        isolation_level: Isolation = "READ COMMITTED",
    ) -> None:
        self.hot = HotStatements(MysqlDialect())
        self.retried: Counter[int] = Counter()
        """Units run again, by the server's error number, since the start."""
        self._url = url
        self._timeout = transaction_timeout
        self.connections = Connections(
            url,
            size=pool_size,
            connect_timeout=connect_timeout,
            isolation_level=isolation_level,
            idle_seconds=idle_seconds,
        )

    async def write(self, unit: Unit[T]) -> T:
        turn = 0
        while True:
            try:
                return await self._transaction(unit)
            except DBAPIError as error:
                turn, code = turn + 1, code_of(error)
                if code is None or turn >= TRIES.get(code, 1):
                    raise await self._translate(error, code) from error
                self.retried[code] += 1
                await asyncio.sleep(RETRY_PAUSE * turn * random.random())  # noqa: S311 - so that two do not meet again
            except (PoolTimeout, *SILENCE) as error:
                raise self._silence(error) from error

    async def read(self, unit: Unit[T]) -> T:
        try:
            async with asyncio.timeout(self._timeout):
                return await self.connections.lend(unit)
        except DBAPIError as error:
            raise await self._translate(error, code_of(error)) from error
        except (PoolTimeout, *SILENCE) as error:
            raise self._silence(error) from error

    def blocking(self) -> "BlockingMysql":
        """For a thread without an event loop; call it in that thread."""
        return BlockingMysql(self._url)

    async def close(self) -> None:
        await self.connections.close()

    async def _transaction(self, unit: Unit[T]) -> T:
        async with asyncio.timeout(self._timeout):
            answer = await self.connections.lend(partial(_commit, unit))
        crash.reached("after_commit")
        return answer

    def _silence(self, error: Exception) -> StoreUnavailable:
        if isinstance(error, PoolTimeout):
            return StoreUnavailable(f"all {self.connections.size} connections to the database are in use")
        self.connections.distrust()
        return StoreUnavailable(f"the database cannot be reached: {str(error) or 'it does not answer'}")

    async def _translate(self, error: DBAPIError, code: int | None) -> Exception:
        if code in (DEADLOCK, LOCK_WAIT):
            return Contended(f"others held the rows this needs, {TRIES[code]} times in a row: {error.orig}")
        if code in DEMOTED:
            self.connections.distrust()
            return ReadOnly(f"the database server is read-only: {error.orig}")
        if code == TOO_LONG or (error.connection_invalidated and await self._is_too_long(error)):
            return TooLong.one("max_allowed_packet", "the database takes no statement as long as this one")
        if error.connection_invalidated:
            self.connections.distrust()
        if code in AWAY or error.connection_invalidated:
            return StoreUnavailable(f"the database cannot be used now: {error.orig}")
        if isinstance(error, InterfaceError) or (isinstance(error, OperationalError) and code is None):
            return StoreUnavailable(f"the database cannot be reached: {error.orig}")
        return error

    async def _is_too_long(self, error: DBAPIError) -> bool:
        """Whether the failed statement is longer than the server takes: it then closes the connection without a word
        as often as not, and only the length tells this from an outage."""
        length = length_of(error)
        if length < SHORT:
            return False
        try:
            return length >= await self.read(_max_allowed_packet)
        except StoreUnavailable:
            return False


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


def _commit(unit: Unit[T], connection: Connection) -> T:
    with connection.begin():
        answer = unit(connection)
        crash.reached("before_commit")
    return answer


def _max_allowed_packet(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT @@max_allowed_packet").scalar_one())
