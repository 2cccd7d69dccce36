"""One HTTP/1.1 connection: writes a request once, reads one answer, and says what came of it.

It never sends anything twice. An exchange ends in exactly one value: an `Answer`, or `Unclear` when
the request left and no whole answer came back. After it, `reusable` tells whether the connection
rests cleanly between two messages; in any other state it is closed.

The parser (llhttp) keeps no bound on memory, so every read is counted here: bytes until the head is
complete, then bytes of everything that follows, trailers and the framing of chunks included.
"""

import asyncio
import select
import socket
from typing import Protocol

import httptools

from distributedjob.model.outcome import Answer, Unclear
from distributedjob.model.target import HttpMethod
from distributedjob.targets.bodies import decoded
from distributedjob.targets.deadlines import Deadlines
from distributedjob.targets.limits import Limits

Reply = Answer | Unclear

INTERIM = 200
FRAMED = (b"content-length", b"transfer-encoding")


class Owner(Protocol):
    """Whoever holds a resting connection and must hear that it closed by itself."""

    def forget(self, connection: "Connection") -> None: ...


class _HeadError(Exception):
    """Stops the parser from inside a callback; the reason is already noted."""


class Connection(asyncio.Protocol):
    """Made by the dialler; owned by one call at a time, or by the pool."""

    __slots__ = (
        "_chunks",
        "_cut",
        "_deadlines",
        "_done",
        "_extra",
        "_fault",
        "_head_done",
        "_head_only",
        "_headers",
        "_keep",
        "_keep_alive",
        "_limits",
        "_loop",
        "_message_ended",
        "_parser",
        "_readiness",
        "_received",
        "_size",
        "_status",
        "_transport",
        "_waiter",
        "address",
        "idle_limit",
        "idle_since",
        "owner",
        "reusable",
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
        self.idle_limit = limits.idle.total_seconds()
        self.owner: Owner | None = None
        self._loop = loop
        self._readiness = select.poll()
        self._readiness.register(sock, select.POLLIN | select.POLLRDHUP)
        self._limits = limits
        self._deadlines = deadlines
        self._transport: asyncio.Transport
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[Reply] | None = None
        self._fault: Unclear | None = None

    def exchange(self, message: bytes, *, method: HttpMethod, keep: int, deadline: float) -> asyncio.Future[Reply]:
        """Write `message` now and return the future of its reply; `deadline` is on the loop's clock.

        Of the body up to `keep` bytes are kept. Cancelling the future must be followed by `close`.
        """
        self._begin(keep)
        self._head_only = method is HttpMethod.HEAD
        self._waiter = waiter = self._loop.create_future()
        self._deadlines.watch(self, deadline=deadline)
        self._transport.write(message)
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
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._note(Unclear("bad_response", "the target switched to another protocol, which was not asked for"))
        except httptools.HttpParserError as error:
            self._note(Unclear("bad_response", f"the answer is not HTTP/1.1: {error}"))
        self._decide()

    def connection_lost(self, exc: Exception | None) -> None:
        self.reusable = False
        owner, self.owner = self.owner, None
        if owner is not None:
            owner.forget(self)
        if self._waiter is not None:
            self._end_by_loss(exc)
        del self._parser  # it holds our callbacks: a cycle that only the collector would find

    def _end_by_loss(self, exc: Exception | None) -> None:
        if exc is None and self._head_done and not self._is_framed():
            self._settle(self._answer())
        else:
            self._settle(Unclear("connection_lost", self._loss()))

    # What the parser calls

    def on_message_begin(self) -> None:
        if self._done:
            self._extra = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_done:
            return  # trailers are counted as bytes, and dropped
        self._headers.append((name, value))
        if len(self._headers) > self._limits.headers:
            self._note(Unclear("response_too_large", f"the answer has more than {self._limits.headers} headers"))
            raise _HeadError

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        if self._status < INTERIM:
            return
        if self._received > self._limits.head:
            self._judge_head()
        self._head_done = True
        self._keep_alive = self._parser.should_keep_alive()
        if self._head_only:
            self._done = True

    def on_body(self, body: bytes) -> None:
        if self._done:
            self._extra = True
            return
        self._size += len(body)
        if self._size <= self._keep:
            self._chunks.append(body)
        else:
            surplus = self._size - self._keep
            self._chunks.append(body[:-surplus])

    def on_message_complete(self) -> None:
        if self._status < INTERIM:
            self._headers.clear()
            return
        self._message_ended = True
        self._done = True

    # One exchange

    def _begin(self, keep: int) -> None:
        self.reusable = False
        self._keep = keep
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._chunks: list[bytes] = []
        self._size = 0
        self._received = 0
        self._head_done = self._done = self._cut = self._extra = self._message_ended = self._keep_alive = False
        self._fault = None

    def _note(self, fault: Unclear) -> None:
        """Keep the first fault; once the answer is whole, what follows it only spoils the connection."""
        if self._done:
            self._extra = True
        elif self._fault is None:
            self._fault = fault

    def _decide(self) -> None:
        """After each read: is there a fault, a whole answer, too much, or is there more to come?"""
        if not self._head_done and self._received > self._limits.head:
            self._note(self._oversized_head())
        if self._fault is not None:
            self._settle(self._fault)
        elif self._done:
            self._rest()
            self._settle(self._answer())
        elif self._received > self._limits.read:
            self._cut = True
            self._settle(self._answer())

    def _judge_head(self) -> None:
        """The read that completed the head may have brought a large body with it: count the head alone."""
        if sum(len(name) + len(value) + 4 for name, value in self._headers) > self._limits.head:
            self._note(self._oversized_head())
            raise _HeadError

    def _oversized_head(self) -> Unclear:
        return Unclear("response_too_large", f"the answer's head is over {self._limits.head} bytes")

    def _rest(self) -> None:
        """Decide whether the connection can carry another exchange."""
        if not self._message_ended:
            self._parser = httptools.HttpResponseParser(self)  # llhttp cannot be told that HEAD has no body
        self.reusable = (
            self._keep_alive
            and not self._extra
            and self._transport.get_write_buffer_size() == 0
            and not self._transport.is_closing()
        )

    def _answer(self) -> Answer:
        body = b"".join(self._chunks) if len(self._chunks) != 1 else self._chunks[0]
        truncated = self._cut or self._size > self._keep
        headers = []
        for raw_name, raw_value in self._headers:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            headers.append((name, value))
            if name == "content-encoding" and body:
                inner = decoded(body, encoding=value, limit=self._keep)
                body, truncated = inner.content, truncated or inner.cut
            elif name == "keep-alive":
                self._heed(value)
        return Answer(self._status, tuple(headers), body, truncated)

    def _heed(self, keep_alive: str) -> None:
        """Take the server's word for how long it keeps the connection, less a second for the way."""
        for part in keep_alive.split(","):
            name, _, seconds = part.strip().partition("=")
            if name.lower() == "timeout" and seconds.isascii() and seconds.isdigit():
                self.idle_limit = min(self.idle_limit, max(0, int(seconds[:6]) - 1))

    def _is_framed(self) -> bool:
        """Whether the answer announced its end; without that, the end of the stream is the end."""
        return any(name.lower() in FRAMED for name, _ in self._headers)

    def _loss(self) -> str:
        if self._received == 0:
            return "the connection was closed before any answer; the target may have done the work"
        return "the connection was closed in the middle of the answer"

    def _settle(self, reply: Reply) -> None:
        """End the exchange with its only outcome; a connection that cannot be reused closes first."""
        waiter, self._waiter = self._waiter, None
        self._deadlines.drop(self)
        if not self.reusable:
            self._transport.abort()
        self._chunks = []
        if waiter is not None and not waiter.done():
            waiter.set_result(reply)
