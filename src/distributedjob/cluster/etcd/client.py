"""A thin client of etcd: a few calls, each with a deadline, over several members.

One member serves at a time. One that fails or stays silent is left for the next, by all calls and watches at once.
Whoever asks for a change that must not happen twice has to make it so that asking again is harmless.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message

from distributedjob.cluster.etcd import errors
from distributedjob.cluster.etcd.address import EtcdAddress
from distributedjob.cluster.etcd.errors import EtcdAway, TokenGone
from distributedjob.cluster.etcd.messages import (
    AUTHENTICATE,
    GRANT,
    KEEP_ALIVE,
    PUT,
    RANGE,
    REVOKE,
    TXN,
    WATCH,
    Rpc,
    message,
)

CALL_SECONDS = 1.5
KEEP_ALIVE_SECONDS = 1.0
LEADER_WANTED = ("hasleader", "true")
"""A member that is cut off from the others ends such a stream instead of staying silent."""

CHANNEL_OPTIONS = (
    # A frozen member is noticed by the pings of the open watch. More often than every 5 s, or without a stream, etcd
    # takes them for an attack and closes the connection. Without a limit of its own a ping waits for a minute.
    ("grpc.keepalive_time_ms", 6_000),
    ("grpc.keepalive_timeout_ms", 2_000),
    ("grpc.http2.ping_timeout_ms", 2_000),
    ("grpc.keepalive_permit_without_calls", 0),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.enable_retries", 0),
    ("grpc.enable_http_proxy", 0),
    ("grpc.service_config_disable_resolution", 1),
    ("grpc.use_local_subchannel_pool", 1),
)


class EtcdClient:
    """Lives on one event loop. Every call raises EtcdAway when no member served it, Invalid when etcd refuses us."""

    def __init__(self, address: EtcdAddress, *, first: int = 0) -> None:
        self._address = address
        self._at = first % len(address.endpoints)
        self._turn = 0
        self._token: str | None = None
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._reads: set[asyncio.Timeout] = set()

    async def range(self, first: bytes, end: bytes) -> list[tuple[bytes, bytes]]:
        """Keys and values from `first` until before `end`, as the quorum has them."""
        answer = await self._ask(RANGE, message("RangeRequest")(key=first, range_end=end))
        return [(pair.key, pair.value) for pair in answer.kvs]

    async def put(self, key: bytes, value: bytes, *, lease: int) -> None:
        """Raises LeaseGone when there is no such lease (any more)."""
        await self._ask(PUT, message("PutRequest")(key=key, value=value, lease=lease))

    async def create(self, key: bytes, value: bytes, *, lease: int = 0) -> bytes:
        """Put unless the key is there; returns what is there now. Lease 0: for good."""
        operation, condition = message("RequestOp"), message("Compare")
        request = message("TxnRequest")(
            compare=[condition(target=condition.CREATE, key=key, create_revision=0)],
            success=[operation(request_put=message("PutRequest")(key=key, value=value, lease=lease))],
            failure=[operation(request_range=message("RangeRequest")(key=key))],
        )
        answer = await self._ask(TXN, request)
        found = answer.responses[0].response_range.kvs if not answer.succeeded else ()
        return found[0].value if found else value

    async def grant(self, *, seconds: int) -> int:
        """A lease; what is put with it goes when it does."""
        answer = await self._ask(GRANT, message("LeaseGrantRequest")(TTL=seconds))
        return int(answer.ID)

    async def keep_alive(self, lease: int) -> bool:
        """Renew a lease, through one member only; False when it is gone."""
        request = message("LeaseKeepAliveRequest")(ID=lease)
        answer = await self._ask_one(KEEP_ALIVE, request, seconds=KEEP_ALIVE_SECONDS)
        return int(answer.TTL) > 0

    async def revoke(self, lease: int) -> None:
        """End a lease now. Raises LeaseGone when it is gone already."""
        await self._ask(REVOKE, message("LeaseRevokeRequest")(ID=lease))

    async def watch(self, first: bytes, end: bytes) -> AsyncGenerator[None]:
        """Yields once when changes will be seen from now on, then once per batch of changes.

        What changed is not told: events may be missing after a cut, a fresh read never lies. Raises EtcdAway.
        """
        turn, endpoint = self._turn, self._endpoint
        call = self._stream(WATCH, await self._metadata(), endpoint=endpoint)
        try:
            wanted = message("WatchCreateRequest")(key=first, range_end=end)
            seconds: float | None = CALL_SECONDS
            async with self._patience(turn, endpoint, seconds=seconds):
                await call.write(message("WatchRequest")(create_request=wanted))
            while True:
                async with self._patience(turn, endpoint, seconds=seconds):
                    answer = await call.read()
                if answer is grpc.aio.EOF or answer.canceled:
                    raise EtcdAway(f"{endpoint} ended the watch")
                seconds = None
                yield
        finally:
            call.cancel()

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close()

    @property
    def _endpoint(self) -> str:
        return self._address.endpoints[self._at]

    @property
    def _user(self) -> str | None:
        return self._address.credentials.user if self._address.credentials else None

    async def _ask(self, rpc: Rpc, request: Message) -> Any:
        """Ask each member once, and one more time for the one whose token has expired."""
        for _ in self._address.endpoints:
            try:
                return await self._ask_one(rpc, request, seconds=CALL_SECONDS)
            except EtcdAway:
                continue
        return await self._ask_one(rpc, request, seconds=CALL_SECONDS)

    async def _ask_one(self, rpc: Rpc, request: Message, *, seconds: float) -> Any:
        turn, endpoint = self._turn, self._endpoint
        async with self._patience(turn, endpoint, seconds=seconds):
            metadata = await self._metadata()
            if not rpc.streams:
                return await self._unary(rpc, endpoint=endpoint)(request, metadata=metadata, timeout=seconds)
            call = self._stream(rpc, metadata, endpoint=endpoint)
            try:
                await call.write(request)
                answer = await call.read()
            finally:
                call.cancel()
            if answer is grpc.aio.EOF:
                raise EtcdAway(f"{endpoint} ended the call")
            return answer

    @asynccontextmanager
    async def _patience(self, turn: int, endpoint: str, *, seconds: float | None) -> AsyncIterator[None]:
        """Translate what goes wrong inside, and leave the member for the next if it is to blame."""
        until = None if seconds is None else asyncio.get_running_loop().time() + seconds + 0.1
        try:
            if turn != self._turn:
                raise EtcdAway(f"{endpoint} was left for another member")
            async with asyncio.timeout_at(until) as patience:
                self._reads.add(patience)
                try:
                    yield
                finally:
                    self._reads.discard(patience)
        except TokenGone:
            self._token = None
            raise
        except EtcdAway:
            self._leave(turn)
            raise
        except TimeoutError:
            self._leave(turn)
            raise EtcdAway(f"{endpoint} does not answer") from None
        except grpc.aio.AioRpcError as error:
            translated = errors.translate(error, endpoint=endpoint, user=self._user)
            if isinstance(translated, TokenGone):
                self._token = None
            elif isinstance(translated, EtcdAway):
                self._leave(turn)
            raise translated from None

    def _leave(self, turn: int) -> None:
        """Go on with the next member, unless somebody has led us on since `turn`; cuts the watches of this one."""
        if turn != self._turn:
            return
        self._turn += 1
        self._at = (self._at + 1) % len(self._address.endpoints)
        for read in self._reads:
            read.reschedule(0)

    async def _metadata(self) -> Sequence[tuple[str, str]]:
        credentials = self._address.credentials
        if credentials is None:
            return (LEADER_WANTED,)
        if self._token is None:
            request = message("AuthenticateRequest")(name=credentials.user, password=credentials.password)
            login = self._unary(AUTHENTICATE, endpoint=self._endpoint)
            try:
                self._token = (await login(request, timeout=CALL_SECONDS)).token
            except grpc.aio.AioRpcError as error:
                if not errors.asks_for_no_user(error):
                    raise
                self._token = ""
        return (LEADER_WANTED, ("token", self._token)) if self._token else (LEADER_WANTED,)

    def _unary(self, rpc: Rpc, *, endpoint: str) -> Any:
        channel = self._channel(endpoint)
        return channel.unary_unary(rpc.path, request_serializer=rpc.encode, response_deserializer=rpc.decode)

    def _stream(self, rpc: Rpc, metadata: Sequence[tuple[str, str]], *, endpoint: str) -> Any:
        channel = self._channel(endpoint)
        method = channel.stream_stream(rpc.path, request_serializer=rpc.encode, response_deserializer=rpc.decode)
        return method(metadata=metadata)

    def _channel(self, endpoint: str) -> grpc.aio.Channel:
        if endpoint not in self._channels:
            self._channels[endpoint] = self._open(endpoint)
        return self._channels[endpoint]

    def _open(self, endpoint: str) -> grpc.aio.Channel:
        tls = self._address.tls
        if tls is None:
            return grpc.aio.insecure_channel(endpoint, options=CHANNEL_OPTIONS)
        identity = tls.identity
        credentials = grpc.ssl_channel_credentials(
            tls.ca, identity.key if identity else None, identity.certificate if identity else None
        )
        return grpc.aio.secure_channel(endpoint, credentials, options=CHANNEL_OPTIONS)
