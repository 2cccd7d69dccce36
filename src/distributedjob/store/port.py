"""How the rest of the program reaches the database: whole transactions, as plain functions.

A *unit* is a synchronous function of a connection. `write` runs it in one transaction and commits when it
returns; `read` runs it on a connection of its own. Nobody calls commit by hand. A unit may be run again
(deadlock, lock wait), so it changes nothing but the database and returns what it found.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

import sqlalchemy

from distributedjob.store.hot.statements import HotStatements

T = TypeVar("T")
Connection = sqlalchemy.Connection
"""What a unit gets. Those outside of this package name it from here and only pass it on."""
Unit = Callable[[Connection], T]

TRANSACTION_SECONDS = 20.0
"""A server that froze, or a network that swallows packets, says nothing at all. Longer than a wait for a lock."""


class Store(Protocol):
    @property
    def hot(self) -> HotStatements:
        """The set-based statements of this dialect."""

    async def write(self, unit: Unit[T]) -> T:
        """Run `unit` in one transaction; returns after the commit. Raises StoreUnavailable."""

    async def read(self, unit: Unit[T]) -> T:
        """Run `unit` without a write lock."""

    async def close(self) -> None:
        """Finish what was asked and let go of the database."""


class BlockingWriter(Protocol):
    """A connection for a thread without an event loop."""

    def write(self, unit: Unit[T], *, timeout: float) -> T:
        """Run `unit` and commit; `timeout` in seconds. Raises StoreUnavailable, TimeoutError."""

    def close(self) -> None: ...
