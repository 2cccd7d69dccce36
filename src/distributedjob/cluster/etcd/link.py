"""This process's way to etcd: a thread with an event loop of its own, so that a busy main loop keeps its lease.

Opened once; each session of the process enrols in it, and leaves it.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from distributedjob.cluster.etcd.address import EtcdAddress
from distributedjob.cluster.etcd.client import EtcdClient
from distributedjob.cluster.etcd.diagnosis import find_fault
from distributedjob.cluster.etcd.directory import TargetDirectory
from distributedjob.cluster.etcd.errors import EtcdAway
from distributedjob.cluster.etcd.guard import Guard
from distributedjob.cluster.etcd.keys import Keys
from distributedjob.cluster.etcd.registry import Candidate, Registry
from distributedjob.cluster.view import View
from distributedjob.telemetry.events import Events

T = TypeVar("T")

OPEN_SECONDS = 4.0
CLOSE_SECONDS = 3.0
LAST_WORDS_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class _Inside:
    """What lives on the thread."""

    loop: asyncio.AbstractEventLoop
    client: EtcdClient
    closing: asyncio.Event


class Enrolment:
    """A session in etcd, from the main loop's side."""

    def __init__(self, registry: Registry, *, loop: asyncio.AbstractEventLoop) -> None:
        self._registry = registry
        self._loop = loop
        self._running = asyncio.run_coroutine_threadsafe(registry.run(), loop)

    async def leave(self) -> None:
        """Take the session's keys away; leaving twice is fine. Bounded by the deadlines of the client."""
        self._running.cancel()
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._registry.leave(), self._loop))


class EtcdLink:
    """`identity` is the cluster's own; `first` is which of the members to begin with."""

    def __init__(self, address: EtcdAddress, *, prefix: str, identity: str, events: Events, first: int) -> None:
        self._address = address
        self._keys = Keys(prefix)
        self._identity = identity
        self._events = events
        self._first = first
        self._thread = threading.Thread(target=self._live, name="etcd", daemon=True)
        self._inside: Future[_Inside] = Future()

    async def open(self) -> None:
        """Claim the prefix. Raises Conflict when it is another cluster's, Invalid when etcd refuses us or a setting
        is wrong; when etcd is merely away that is logged, and each session goes on trying."""
        self._thread.start()
        await asyncio.wrap_future(self._inside)
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await self._ask(self._guard.check())
        except (EtcdAway, TimeoutError) as error:
            fault = await asyncio.to_thread(find_fault, self._address)
            if fault is not None:
                raise fault from None
            self._events.etcd_away(error if isinstance(error, EtcdAway) else EtcdAway("no member answers"))

    def enrol(self, candidate: Candidate, *, on_view: Callable[[View], None], on_anew: Callable[[], None]) -> Enrolment:
        """Register a session and keep it registered. The callbacks come from etcd's thread."""
        registry = Registry(
            self._client,
            keys=self._keys,
            guard=self._guard,
            candidate=candidate,
            events=self._events,
            on_view=on_view,
            on_anew=on_anew,
        )
        return Enrolment(registry, loop=self._loop)

    def open_directory(self) -> TargetDirectory:
        """The addresses of targets, kept current until the link is closed."""
        directory = TargetDirectory(self._client, keys=self._keys, events=self._events)
        asyncio.run_coroutine_threadsafe(directory.run(), self._loop)
        return directory

    async def close(self) -> None:
        """End everything on the thread, and the thread."""
        if self._inside.done():
            self._loop.call_soon_threadsafe(self._inside.result().closing.set)
            await asyncio.to_thread(self._thread.join, CLOSE_SECONDS)

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        return self._inside.result().loop

    @property
    def _client(self) -> EtcdClient:
        return self._inside.result().client

    @property
    def _guard(self) -> Guard:
        return Guard(self._client, keys=self._keys, identity=self._identity)

    async def _ask(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def _live(self) -> None:
        with asyncio.Runner() as runner, suppress(asyncio.CancelledError):
            runner.run(self._until_closed())

    async def _until_closed(self) -> None:
        closing, client = asyncio.Event(), EtcdClient(self._address, first=self._first)
        self._inside.set_result(_Inside(asyncio.get_running_loop(), client, closing))
        try:
            await closing.wait()
        finally:
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await client.close()
            # What gRPC still has to say of the calls just ended must find this loop, or it disturbs the next one.
            await asyncio.sleep(LAST_WORDS_SECONDS)
