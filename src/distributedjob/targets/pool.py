"""Connections at rest, by origin and TLS identity, the youngest used first.

The pool belongs to one egress policy. It never decides whether an address may be used: the caller
passes the addresses that are judged good at this moment, and a connection to any other is closed.
"""

import asyncio
from collections.abc import Container

from distributedjob.targets.connection import Connection
from distributedjob.targets.limits import Limits
from distributedjob.targets.request import Origin

SWEEP_SECONDS = 0.5


class Pool:
    def __init__(self, *, limits: Limits) -> None:
        self._limits = limits
        self._resting: dict[str, list[Connection]] = {}
        self._count = 0
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    def __len__(self) -> int:
        return self._count

    def take(self, origin: Origin, *, addresses: Container[str]) -> Connection | None:
        """A connection that rests cleanly, leads to one of `addresses` and shows no sign of being closed."""
        shelf = self._resting.get(origin.key)
        while shelf:
            connection = shelf.pop()
            self._count -= 1
            connection.owner = None
            if connection.address in addresses and connection.is_usable():
                return connection
            connection.close()
        return None

    def give(self, connection: Connection, *, origin: Origin) -> None:
        """Put a connection to rest, or close it when it cannot be used again, or the pool is full or closed."""
        full = self._count >= self._limits.idle_connections or self._closed
        if full or not connection.reusable or connection.reader.keep_seconds <= 0:
            connection.close()
            return
        connection.idle_since = asyncio.get_running_loop().time()
        connection.owner = self
        connection.shelf = origin.key
        self._resting.setdefault(origin.key, []).append(connection)
        self._count += 1
        if self._sweep is None:
            self._schedule_sweep()

    def forget(self, connection: Connection) -> None:
        """The peer closed it while it rested."""
        self._resting[connection.shelf].remove(connection)
        self._count -= 1

    def close(self) -> None:
        """Close everything at rest, now and later: what is given back closes too."""
        self._closed = True
        for shelf in self._resting.values():
            for connection in shelf:
                connection.owner = None
                connection.close()
        self._resting.clear()
        self._count = 0
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None

    def _schedule_sweep(self) -> None:
        self._sweep = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._close_stale)

    def _close_stale(self) -> None:
        now = asyncio.get_running_loop().time()
        self._sweep = None
        for key, shelf in tuple(self._resting.items()):
            fresh = [connection for connection in shelf if now - connection.idle_since < connection.reader.keep_seconds]
            for connection in shelf:
                if now - connection.idle_since >= connection.reader.keep_seconds:
                    connection.owner = None
                    connection.close()
            self._count -= len(shelf) - len(fresh)
            if fresh:
                self._resting[key] = fresh
            else:
                del self._resting[key]
        if self._resting:
            self._schedule_sweep()
