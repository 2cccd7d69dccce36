"""One session of a node, from its registration to its end: which services run, and in which order they stop."""

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from distributedjob import __version__
from distributedjob.cluster.sql import SqlMembership
from distributedjob.config import Role
from distributedjob.dispatch.port import OrdersChanged
from distributedjob.resources import Resources, reference_of, watch_database
from distributedjob.roles.keep import keep
from distributedjob.roles.orders import Orders
from distributedjob.roles.scheduler import start_scheduler
from distributedjob.roles.worker import open_worker, start_worker
from distributedjob.runtime.crew import Crew
from distributedjob.runtime.lag import LagWatch
from distributedjob.services.desk import StopBoard
from distributedjob.services.joining import join
from distributedjob.services.rezoning import follow_zone_data
from distributedjob.store import nodes
from distributedjob.store.nodes import NodeRow
from distributedjob.targets.egress import EgressPolicy
from distributedjob.targets.http import HttpCaller
from distributedjob.targets.signature import USER_AGENT
from distributedjob.telemetry.metrics import Metrics
from distributedjob.worker.journal import Journal
from distributedjob.worker.worker import Drained, Worker

if TYPE_CHECKING:
    from distributedjob.cluster.etcd.link import Enrolment

SESSION_BITS = 62
FLUSH_SECONDS = 5.0


class Node:
    """Registered when it opens; `run` lives until `stop` is set or the session is declared dead."""

    def __init__(self, resources: Resources, *, egress: EgressPolicy) -> None:
        self._resources = resources
        self._settings = resources.settings
        self._egress = egress
        self._loop = asyncio.get_running_loop()
        self.lost = asyncio.Event()
        self.stopping = False
        self.worker: Worker | None = None
        self.session = secrets.randbits(SESSION_BITS) | 1
        self._lag = LagWatch(on_lag=self._note_lag)
        self._orders = Orders(
            desk=resources.desk,
            events=resources.events,
            node_name=self._settings.node_name,
            session=self.session,
            drain_seconds=self._settings.drain_timeout_seconds,
        )
        self._enrolment: Enrolment | None = None
        store = resources.store
        self.membership = SqlMembership(
            session=self.session,
            writer=store.blocking,
            clock=resources.clock,
            reference=reference_of(store),
            own_all_shards=lambda: self._settings.own_all_shards or self._settings.uses_sqlite,
            on_lost=self._lose_from_thread,
            on_dead=resources.events.node_dead,
            on_beat=resources.events.database_back,
            on_error=resources.events.beat_failed,
        )

    @property
    def ready(self) -> bool:
        """Whether this node can do its work now, and is to: in memory, from the last beat and the last orders."""
        able = not self.stopping and self.membership.fresh and not self._lag.lagging
        return able and not self._orders.drained

    async def register(self) -> None:
        """Lease node bits and write the session down; with SQLite everybody else is known to be gone."""
        resources, settings = self._resources, self._settings
        row = NodeRow(
            session=self.session,
            number=0,
            name=settings.node_name,
            pid=os.getpid(),
            version=__version__,
            roles=",".join(sorted(settings.roles)),
            queues=",".join(settings.queues) if Role.WORKER in settings.roles else "",
            labels=",".join(sorted(settings.labels)),
            slots=settings.slots if Role.WORKER in settings.roles else 0,
        )
        if settings.uses_sqlite:
            now = resources.clock.now()
            others = partial(nodes.declare_others_dead, except_session=self.session, now=now)
            await resources.store.write(others)
        resources.ids.lease(await join(resources.desk, row))
        await self._orders.run_once()
        if Role.SCHEDULER in settings.roles and (moved := await follow_zone_data(resources.desk)):
            resources.events.zone_data_changed(moved=moved)
        self.membership.start()
        self._enrol()

    def _enrol(self) -> None:
        """Show the session in etcd, if there is one: after its row, which the others then look for at once."""
        link, settings, metrics = self._resources.etcd, self._settings, self._resources.metrics
        if link is None:
            return
        from distributedjob.cluster.etcd.registry import Candidate  # noqa: PLC0415 - gRPC, for clusters only

        candidate = Candidate(
            session=self.session,
            name=settings.node_name,
            roles=tuple(sorted(settings.roles)),
            leads=Role.SCHEDULER in settings.roles,
        )
        self._enrolment = link.enrol(
            candidate, on_view=self.membership.note_view, on_anew=metrics.etcd_registrations.inc
        )

    async def run(self, *, stop: asyncio.Event, hurry: asyncio.Event, on_ready: Callable[[], None]) -> Drained:
        """Do the work of the roles until `stop` is set; `hurry` skips the waiting for calls."""
        journal = Journal(self._settings.data_dir, session=self.session)
        caller = HttpCaller(egress=self._egress, user_agent=USER_AGENT)
        drained = Drained(cut=0, released=0)
        try:
            async with asyncio.TaskGroup() as group:
                scheduling, working, writing = Crew(group), Crew(group), Crew(group)
                self._start(caller, journal, scheduling, working, writing)
                writing.take(self._lag.run(), name="lag")
                on_ready()
                await _first(stop, self.lost)
                self.stopping = True
                await self._leave(hurry)
                await scheduling.stop()
                await working.stop()
                if self.worker is not None:
                    drained = await self._drain(self.worker, hurry)
                await writing.stop()
            await self._end(journal)
        finally:
            self._resources.dispatch.forget()
            self._resources.metrics.unwatch()
            await caller.close()
            await self._leave_etcd()
            self.membership.stop()
            journal.close()
        return drained

    def _start(self, caller: HttpCaller, journal: Journal, scheduling: Crew, working: Crew, writing: Crew) -> None:
        resources, roles = self._resources, self._settings.roles
        watch_database(resources.store, resources.metrics)
        self._watch(resources.metrics, resources.desk.board)
        orders = keep(writing, self._orders, every=1.0, events=resources.events)
        resources.dispatch.listen(OrdersChanged, orders.on_news)
        if Role.WORKER in roles:
            self.worker = open_worker(resources, membership=self.membership, caller=caller, journal=journal)
            self._orders.command(self.worker)
            start_worker(self.worker, resources, journal=journal, working=working, writing=writing)
        if Role.SCHEDULER in roles:
            start_scheduler(resources, membership=self.membership, worker=self.worker, crew=scheduling)

    def _watch(self, metrics: Metrics, board: StopBoard) -> None:
        """What this node knows of the cluster. Sums over all nodes tell more: who leads, and whether all agree."""
        membership = self.membership
        metrics.watch("nodes_alive", "Nodes with a recent heartbeat.", lambda: float(len(membership.census.alive)))
        metrics.watch("leads", "Whether this node leads.", lambda: float(membership.leads))
        metrics.watch("etcd_connected", "Whether etcd answers: 0 without one.", lambda: float(membership.has_view))
        metrics.watch("stop_switches", "Stop switches in force.", lambda: float(len(board.present)))

    async def _leave(self, hurry: asyncio.Event) -> None:
        """Stop counting as an owner at once: the others need not wait for missing beats. Until they have taken the
        shards over, this node goes on recording: two owners do no harm, none makes fires late."""
        if self.lost.is_set():
            return
        self.membership.leave()
        await _within(2.0, self._resources.store.write(partial(nodes.leave, session=self.session)))
        await self._leave_etcd()
        if Role.SCHEDULER in self._settings.roles:
            await _within(self.membership.handover_seconds, _first(hurry, self.lost))

    async def _leave_etcd(self) -> None:
        if self._enrolment is not None:
            await _within(1.0, self._enrolment.leave())

    async def _drain(self, worker: Worker, hurry: asyncio.Event) -> Drained:
        seconds = 0.0 if self.lost.is_set() else self._settings.drain_timeout_seconds
        drained = await worker.drain(seconds=seconds, hurry=hurry)
        await _within(FLUSH_SECONDS, worker.finisher.flushed())
        await _within(2.0, worker.reconciler.run_last())
        return drained

    async def _end(self, journal: Journal) -> None:
        """Results that are on disk only have 15 s to be replayed by the next start, before the others rescue."""
        self.membership.retire()
        if journal.size:
            return
        now = self._resources.clock.now()
        ended = partial(nodes.end_session, session=self.session, now=now)
        await _within(2.0, self._resources.store.write(ended))

    def _lose_from_thread(self) -> None:
        self._loop.call_soon_threadsafe(self._lose)

    def _lose(self) -> None:
        self._resources.events.session_lost(session=self.session)
        self.lost.set()

    def _note_lag(self, lag: float) -> None:
        self._resources.metrics.loop_lag.observe(lag)
        if self._lag.lagging:
            self._resources.events.loop_lags(seconds=lag)
        if self._resources.clock.frozen:
            self._resources.events.clock_stepped()
        if self.worker is not None and not self.stopping:
            self.worker.slots.fit = self.ready


async def _first(*events: asyncio.Event) -> None:
    """Wait until one of them is set."""
    async with asyncio.TaskGroup() as group:
        waits = [group.create_task(event.wait()) for event in events]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


async def _within(seconds: float, work: Awaitable[object]) -> None:
    """Try, but not for ever: a database that is away must not hold the end of the process."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except Exception:  # noqa: BLE001, S110 - what was not written is rescued, or replayed from the journal
        pass
