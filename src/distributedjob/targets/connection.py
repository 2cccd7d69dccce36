"""One HTTP/1.1 connection: writes a request once, reads one answer, and says what came of it.

It never sends anything twice. An exchange ends in exactly one value: an `Answer`, or `Unclear` when
the request left and no whole answer came back. After it, `reusable` tells whether the connection
ended between two messages; in any other state it is closed.

The parser (llhttp) keeps no memory bound of its own, so every read is counted here: bytes until the
head is complete, then bytes of everything that follows, trailers and chunk framing included.
"""

import asyncio
import socket

import httptools

from distributedjob.model.outcome import Answer, Unclear
from distributedjob.targets.bodies import decoded
from distributedjob.targets.limits import Limits

LOST = "connection_lost"
PEEK_AFTER = 0.05
"""Seconds of idling after which the socket itself is asked whether the peer has closed."""


class Connection(asyncio.Protocol):
    """Made by the dialler, owned by one call at a time or by the pool."""

    __slots__ = (
        "_body",
        "_ends",
        "_fault",
        "_head_done",
        "_head_only",
        "_headers",
        "_keep",
        "_limits",
        "_loop",
        "_messages",
        "_parser",
        "_received",
        "_size",
        "_status",
        "_transport",
        "_waiter",
        "_whole",
        "address",
        "idle_since",
        "idle_until",
        "on_close",
        "reusable",
    )

    def __init__(self, *, loop: asyncio.AbstractEventLoop, address: str, limits: Limits) -> None:
        self.address = address
        self.reusable = True
        self.idle_since = 0.0
        self.idle_until = 0.0
        self._loop = loop
        self._limits = limits
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[Answer | Unclear] | None = None
        self._reset()
