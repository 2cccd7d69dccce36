"""Bytes to one answer, within bounds, without any I/O.

The parser (llhttp) keeps no bound on memory, so every read is counted here: bytes until the head is
complete, then bytes of everything that follows, trailers and the framing of chunks included. One
reader serves one connection, answer after answer.
"""

import httptools

from distributedjob.model.outcome import Answer, Unclear
from distributedjob.model.target import HttpMethod
from distributedjob.targets.bodies import decoded
from distributedjob.targets.limits import Limits

Reply = Answer | Unclear

FINAL = 200
"""The first status that ends the interim answers (1xx)."""

FRAMED = (b"content-length", b"transfer-encoding")


class _StopError(Exception):
    """Stops the parser from inside a callback; why is already noted."""


class AnswerReader:
    """`begin`, then `feed` until it gives a reply; `is_clean` tells whether another exchange may follow."""

    __slots__ = (
        "_body",
        "_cut",
        "_done",
        "_extra",
        "_fault",
        "_head_done",
        "_head_only",
        "_headers",
        "_keep",
        "_keep_alive",
        "_limits",
        "_message_ended",
        "_parser",
        "_pieces",
        "_received",
        "_size",
        "_status",
        "keep_seconds",
    )

    def __init__(self, *, limits: Limits) -> None:
        self.keep_seconds = limits.idle.total_seconds()
        self._limits = limits
        self._parser = httptools.HttpResponseParser(self)
        self.begin(HttpMethod.GET, keep=0)

    def begin(self, method: HttpMethod, *, keep: int) -> None:
        """Expect the answer to a request of this method; of its body up to `keep` bytes are kept."""
        self._head_only = method is HttpMethod.HEAD
        self._keep = keep
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: bytes | bytearray = b""
        self._size = 0
        self._pieces = 0
        self._received = 0
        self._head_done = self._done = self._cut = self._extra = self._message_ended = self._keep_alive = False
        self._fault: Unclear | None = None

    def feed(self, received: bytes) -> Reply | None:
        """Take what was read: the answer when it is whole or over the cap, a fault, or None for more to come."""
        self._received += len(received)
        try:
            self._parser.feed_data(received)
        except httptools.HttpParserUpgrade:
            self._note(Unclear("bad_response", "the target switched to another protocol, which was not asked for"))
        except httptools.HttpParserError as error:
            self._note(Unclear("bad_response", f"the answer is not HTTP/1.1: {error}"))
        if not self._head_done and self._received > self._limits.head:
            self._note(self._oversized_head())
        if self._fault is not None:
            return self._fault
        if not self._done and self._received > self._limits.read:
            self._cut = True
        return self._answer() if self._done or self._cut else None

    @property
    def silent(self) -> bool:
        """Whether not one byte of an answer came."""
        return self._received == 0

    def end(self) -> Reply:
        """The stream ended in good order: that ends an answer without a length, and cuts any other."""
        if self._head_done and not any(name.lower() in FRAMED for name, _ in self._headers):
            return self._answer()
        return self.cut_off()

    def cut_off(self) -> Unclear:
        """The connection is gone and the answer is not whole."""
        if self.silent:
            return Unclear("connection_lost", "the connection was closed before any answer came")
        return Unclear("connection_lost", "the connection was closed in the middle of the answer")

    def is_clean(self) -> bool:
        """Whether the answer ended where the next one may begin, and the target keeps the connection."""
        if not self._keep_alive or self._extra:
            return False
        if not self._message_ended:
            self._parser = httptools.HttpResponseParser(self)  # llhttp cannot be told that HEAD has no body
        return True

    def release(self) -> None:
        """Let go of the parser: it holds our callbacks, a cycle that only the collector would find."""
        del self._parser

    # What the parser calls

    def on_message_begin(self) -> None:
        if self._done:
            self._extra = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_done:
            self._count_piece()  # a trailer: dropped
            return
        self._headers.append((name, value))
        if len(self._headers) > self._limits.headers:
            self._note(Unclear("response_too_large", f"the answer has more than {self._limits.headers} headers"))
            raise _StopError

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        if self._status < FINAL:
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
        self._count_piece()
        room = self._keep - self._size
        self._size += len(body)
        if room < len(body):
            body = body[: max(room, 0)]
        if not self._body:
            self._body = body
        elif isinstance(self._body, bytes):
            self._body = bytearray(self._body) + body
        else:
            self._body += body  # tiny chunks by the hundred thousand must not become as many objects

    def on_message_complete(self) -> None:
        if self._status < FINAL:
            self._headers.clear()
            return
        self._message_ended = True
        self._done = True

    # Decisions

    def _note(self, fault: Unclear) -> None:
        """Keep the first fault; once the answer is whole, what follows it only spoils the connection."""
        if self._done:
            self._extra = True
        elif self._fault is None and not self._cut:
            self._fault = fault

    def _count_piece(self) -> None:
        """A megabyte in chunks of one byte would hold up the loop for a quarter of a second."""
        self._pieces += 1
        if self._pieces > self._limits.pieces:
            self._cut = True
            raise _StopError

    def _judge_head(self) -> None:
        """The read that completed the head may have brought a large body with it: count the head alone."""
        if sum(len(name) + len(value) + 4 for name, value in self._headers) > self._limits.head:
            self._note(self._oversized_head())
            raise _StopError

    def _oversized_head(self) -> Unclear:
        return Unclear("response_too_large", f"the answer's head is over {self._limits.head} bytes")

    def _answer(self) -> Answer:
        body, truncated = bytes(self._body), self._cut or self._size > self._keep
        self._body = b""
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
                self.keep_seconds = min(self.keep_seconds, max(0, int(seconds[:6]) - 1))
