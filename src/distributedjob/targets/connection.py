"""One HTTP/1.1 connection: writes a request once, reads one answer, and says what came of it.

It never sends anything twice. An exchange ends in exactly one value: an `Answer`, or `Unclear` when
the request left and no whole answer came back. After it, `reusable` tells whether the connection
rests cleanly between two messages; in any other state it is closed.
"""

import asyncio
import select
import socket
from typing import Protocol

from distributedjob.model.outcome import Unclear
from distributedjob.model.target import HttpMethod
from distributedjob.runtime import crash
from distributedjob.targets.deadlines import Deadlines
from distributedjob.targets.limits import Limits
from distributedjob.targets.reading import AnswerReader, Reply


class Owner(Protocol):
    """Whoever holds a resting connection and must hear that it closed by itself."""

    def forget(self, connection: "Connection") -> None: ...


class Connection(asyncio.Protocol):
    """Made by the dialler; owned by one call at a time, or by the pool."""

    __slots__ = (
        "_deadlines",
        "_exchanges",
        "_loop",
        "_readiness",
        "_transport",
        "_waiter",
        "address",
        "idle_since",
        "owner",
        "reader",
        "reusable",
        "shelf",
    )

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        address: str,
        limits: Limits,
        deadlines: Deadlines,
    ) -> None:
        self.address = address
        self.reusable = True
        self.idle_since = 0.0
        self.owner: Owner | None = None
        self.shelf = ""
        self._exchanges = 0
        self.reader = AnswerReader(limits=limits)
        self._loop = loop
        self._deadlines = deadlines
        self._readiness = select.poll()
        self._readiness.register(sock, select.POLLIN | select.POLLRDHUP)
        self._transport: asyncio.Transport
        self._waiter: asyncio.Future[Reply] | None = None

    def exchange(self, message: bytes, *, method: HttpMethod, keep: int, deadline: float) -> asyncio.Future[Reply]:
        """Write `message` now and return the future of its reply; `deadline` is on the loop's clock.

        Of the body up to `keep` bytes are kept. Cancelling the future must be followed by `close`.
        """
        self.reusable = False
        self._exchanges += 1
        self.reader.begin(method, keep=keep)
        self._waiter = waiter = self._loop.create_future()
        self._deadlines.watch(self, deadline=deadline)
        self._transport.write(message)
        crash.reached_next_turn("after_send", self._loop)
        return waiter

    def close(self) -> None:
        """Close at once; an exchange still open has no outcome any more."""
        self.reusable = False
        self._waiter = None
        self._deadlines.drop(self)
        self._transport.abort()

    def expire(self) -> None:
        """The total timeout is over: whatever the target did stays unknown."""
        self._settle(Unclear("timeout", "no whole answer came within the total timeout", timed_out=True))

    def is_usable(self) -> bool:
        """Whether a request may still be written: closed neither here nor, as far as can be known, by the peer.

        The kernel is asked too (0.5 µs): when the process was busy or frozen, the loop has not yet seen an
        end of stream, or bytes that nobody asked for.
        """
        return self.reusable and not self._transport.is_closing() and not self._readiness.poll(0)

    # What the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if self._waiter is None:
            self.close()  # bytes outside an exchange: the next answer on this connection could be a forged one
            return
        reply = self.reader.feed(data)
        if reply is not None:
            self.reusable = self._can_rest()
            self._settle(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        self.reusable = False
        owner, self.owner = self.owner, None
        if owner is not None:
            owner.forget(self)
        if self._waiter is not None:
            self._settle(self._lost(exc))
        self.reader.release()

    def _lost(self, exc: Exception | None) -> Reply:
        """A kept connection that brings not one byte was most likely given up before the request came."""
        if self._exchanges > 1 and self.reader.silent:
            return Unclear("stale_connection", "a kept connection was closed before any answer came")
        return self.reader.end() if exc is None else self.reader.cut_off()

    def _can_rest(self) -> bool:
        """An answer that came before the whole request was taken leaves half a message on the wire."""
        return (
            self.reader.is_clean() and self._transport.get_write_buffer_size() == 0 and not self._transport.is_closing()
        )

    def _settle(self, reply: Reply) -> None:
        """End the exchange with its only outcome; a connection that cannot be reused closes first."""
        waiter, self._waiter = self._waiter, None
        self._deadlines.drop(self)
        if not self.reusable:
            self._transport.abort()
        if waiter is not None and not waiter.done():
            waiter.set_result(reply)
