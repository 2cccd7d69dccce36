"""The way to Redis: up, in doubt, or away. A Redis that is not up costs a request nothing.

An operation has 50 ms. When one fails, the link is in doubt: nobody asks any more until a probe has answered, which is
a millisecond later if the failure was only a moment's. A probe that fails says so once; from then on others follow in
growing pauses, and the first that succeeds puts the link up again.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, InvalidResponse, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeout

from distributedjob.telemetry.events import Events

T = TypeVar("T")
U = TypeVar("U")

PATIENCE = 0.05
PROBE_SECONDS = 1.0
PROBE_EVERY = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
CONNECTIONS = 16

FAILURES = (RedisError, OSError, TimeoutError)
"""The library's own, the network's, the deadline's."""


SILENT = "it does not answer"
SILENT_TLS = "it does not answer; does it speak TLS? redis:// is without"


class Foreign(Exception):
    """Something under our keys is of another kind than we ever put there."""


class RedisLink:
    """`probe_key` is a key that this process alone writes."""

    def __init__(self, url: str, *, ca: Path | None, probe_key: str, events: Events) -> None:
        self._events = events
        self._probe_key = probe_key
        self._up = asyncio.Event()
        self._doubted = asyncio.Event()
        self._tls = url.startswith("rediss:")
        tls = {"ssl_ca_certs": None if ca is None else str(ca)} if self._tls else {}
        pool = BlockingConnectionPool.from_url(
            url,
            protocol=2,
            max_connections=CONNECTIONS,
            timeout=PROBE_SECONDS,
            socket_timeout=None,  # with one, Python 3.11 loses cancellations in a race; here each question has its time
            socket_connect_timeout=PROBE_SECONDS,
            retry=Retry(NoBackoff(), 0),
            driver_info=None,
            **tls,
        )
        self.client = Redis.from_pool(pool)

    @property
    def up(self) -> bool:
        """Whether questions are asked now."""
        return self._up.is_set()

    async def wait_until_up(self) -> None:
        await self._up.wait()

    async def ask(self, question: Callable[[Redis], Awaitable[T]], *, otherwise: T) -> T:
        """The answer, or `otherwise` at once when Redis is not up, and after 50 ms when it does not answer.

        Raises Foreign.
        """
        return await self._ask(question, otherwise, PATIENCE) if self._up.is_set() else otherwise

    async def tell(self, question: Callable[[Redis], Awaitable[T]]) -> T | None:
        """The same for what nobody waits for: it has a second until Redis is up and one for the answer. Or None."""
        await _first(self._up, within=PROBE_SECONDS)
        return await self._ask(question, None, PROBE_SECONDS) if self._up.is_set() else None

    async def _ask(self, question: Callable[[Redis], Awaitable[T]], otherwise: U, seconds: float) -> T | U:
        try:
            async with asyncio.timeout(seconds):
                return await question(self.client)
        except Exception as error:
            if is_foreign(error):
                raise Foreign from error
            self.doubt(error)
            return otherwise

    def doubt(self, error: Exception) -> None:
        """Ask nothing more before a probe has answered."""
        if isinstance(error, ResponseError) or not isinstance(error, FAILURES):
            self._events.redis_refuses(cause_of(error))
        self._up.clear()
        self._doubted.set()

    async def run(self) -> None:
        """Probe for as long as the program lives."""
        pause = FIRST_PAUSE
        while True:
            self._doubted.clear()
            cause = await self.probe()
            if cause is None:
                pause = FIRST_PAUSE
                await _first(self._doubted, within=PROBE_EVERY)
            else:
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 2)

    async def probe(self) -> str | None:
        """See whether Redis takes a write, and put the link up or down accordingly; what is wrong, or None."""
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await self.client.set(self._probe_key, b"", px=1000)
        except Exception as error:  # noqa: BLE001 - as above
            self._up.clear()
            cause = cause_of(error)
            if cause == SILENT and self._tls:
                cause = SILENT_TLS
            self._events.redis_away(cause)
            await self._let_go()
            return cause
        self._up.set()
        self._events.redis_back()
        return None

    async def _let_go(self) -> None:
        """Whoever answers at that address next time may be another: a demoted primary is left by this."""
        with suppress(Exception):
            await self.client.connection_pool.disconnect(inuse_connections=False)

    async def close(self) -> None:
        await self.client.aclose()


def is_foreign(error: Exception) -> bool:
    text = str(error)
    return isinstance(error, ResponseError) and ("WRONGTYPE" in text or "not an integer" in text)


def cause_of(error: BaseException) -> str:
    """What is wrong, in words for an operator. Never the password."""
    roots = list(_roots(error))
    for root in roots:
        match root:
            case ssl.SSLCertVerificationError():
                return f"its certificate is not trusted ({root.verify_message}); is redis_ca right?"
            case ssl.SSLError():
                return f"TLS with it fails: {(root.reason or str(root)).lower().replace('_', ' ')}"
            case AuthenticationError():
                return "it refuses the user or the password"
            case InvalidResponse():
                return "what answers there is not a Redis"
            case FileNotFoundError():
                return "there is no such file as redis_ca names"
    if any(isinstance(root, TimeoutError | RedisTimeout) for root in roots):
        return SILENT
    text = str(error).partition("\n")[0][:200]
    if not isinstance(error, ResponseError) and ("closed" in text or "reset by peer" in text):
        return "it closes the connection; if it wants TLS, write rediss://"
    if "AUTH" in text.upper() or "WRONGPASS" in text:
        return "it refuses the user or the password"
    return text or type(error).__name__


def _roots(error: BaseException | None) -> "list[BaseException]":
    """An error with its causes, outermost first."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


async def _first(event: asyncio.Event, *, within: float) -> None:
    try:
        async with asyncio.timeout(within):
            await event.wait()
    except TimeoutError:
        pass
