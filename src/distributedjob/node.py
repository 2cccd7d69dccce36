"""One session of a node, from its registration to its end: which services run, and in which order they stop."""

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable
from functools import partial

from distributedjob import __version__
from distributedjob.cluster.sql import SqlMembership
from distributedjob.config import Role
from distributedjob.dispatch.port import CancelAsked, CursorMoved, RoomMade
from distributedjob.model.execution import Hint
from distributedjob.resources import Resources, reference_of
from distributedjob.runtime.crew import Crew
from distributedjob.runtime.lag import LagWatch
from distributedjob.runtime.rhythm import PassFailed, Rhythm, Service
from distributedjob.scheduler.ages import PendingAge
from distributedjob.scheduler.backfiller import Backfiller
from distributedjob.scheduler.expirer import CancelWatch, Expirer
from distributedjob.scheduler.follower import Follower
from distributedjob.scheduler.gates import GateCalls, GateRounds, GateSweeper
from distributedjob.scheduler.purger import Purger, Retention
from distributedjob.scheduler.recorder import Recorder, WindowReader
from distributedjob.scheduler.rescuer import Rescuer
from distributedjob.scheduler.window import Window
from distributedjob.services.batch import Recorded
from distributedjob.services.rezoning import follow_zone_data
from distributedjob.store import nodes
from distributedjob.store.nodes import NodeRow
from distributedjob.targets.egress import EgressPolicy
from distributedjob.targets.http import HttpCaller
from distributedjob.targets.signature import USER_AGENT
from distributedjob.worker.journal import Journal
from distributedjob.worker.puller import HEAL_AFTER, Puller
from distributedjob.worker.worker import CancelLook, Drained, Worker, WorkerParts

MICROS = 1_000_000
DAY = 86_400 * MICROS
SESSION_BITS = 62
FLUSH_SECONDS = 5.0

PATIENCE_ALONE = 2_000_000
PATIENCE_AMONG_OTHERS = 250_000
"""Where another node may have room at once, a fire is not kept waiting for a slot of this one."""


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
        store = resources.store
        self.membership = SqlMembership(
            session=self.session,
            writer=store.blocking,
            clock=resources.clock,
            reference=reference_of(store),
            own_all_shards=lambda: self._settings.own_all_shards or self._settings.uses_sqlite,
            on_lost=self._lose_from_thread,
            on_beat=resources.events.database_back,
            on_error=resources.events.beat_failed,
        )

    @property
    def ready(self) -> bool:
        """Whether this node can do its work now: in memory, from the last beat."""
        return not self.stopping and self.membership.fresh and not self._lag.lagging

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
            queues=",".join(settings.queues),
            slots=settings.slots if Role.WORKER in settings.roles else 0,
        )
        now = resources.clock.now()
        number = await resources.store.write(partial(nodes.register, row=row, now=now))
        resources.ids.lease(number)
        if settings.uses_sqlite:
            others = partial(nodes.declare_others_dead, except_session=self.session, now=now)
            await resources.store.write(others)
        if Role.SCHEDULER in settings.roles and (moved := await follow_zone_data(resources.desk)):
            resources.events.zone_data_changed(moved=moved)
        self.membership.start()

    async def run(self, *, stop: asyncio.Event, hurry: asyncio.Event, on_ready: Callable[[], None]) -> Drained:
        """Do the work of the roles until `stop` is set; `hurry` skips the waiting for calls."""
        journal = Journal(self._settings.data_dir, session=self.session)
        caller = HttpCaller(egress=self._egress, user_agent=USER_AGENT)
        drained = Drained(cut=0, released=0)
        try:
            async with asyncio.TaskGroup() as group:
                scheduling, working, writing = Crew(group), Crew(group), Crew(group)
                self._start_worker(caller, journal, working, writing)
                self._start_scheduler(scheduling)
                writing.take(self._lag.run(), name="lag")
                on_ready()
                await _first(stop, self.lost)
                self.stopping = True
                await self._leave()
                await scheduling.stop()
                await working.stop()
                if self.worker is not None:
                    drained = await self._drain(self.worker, hurry)
                await writing.stop()
            await self._end()
        finally:
            self._resources.dispatch.forget()
            self._resources.metrics.unwatch()
            await caller.close()
            self.membership.stop()
            journal.close()
        return drained

    def _start_worker(self, caller: HttpCaller, journal: Journal, working: Crew, writing: Crew) -> None:
        if Role.WORKER not in self._settings.roles:
            return
        resources, settings = self._resources, self._settings
        parts = WorkerParts(
            desk=resources.desk,
            membership=self.membership,
            caller=caller,
            journal=journal,
            events=resources.events,
            metrics=resources.metrics,
            queues=settings.queues,
            slots=settings.slots,
            writers=1 if settings.uses_sqlite else 2,
        )
        worker = self.worker = Worker(parts)
        resources.dispatch.listen(Hint, worker.intake.hint)
        resources.dispatch.listen(CancelAsked, worker.cancel)
        for part in ("marker", "finisher", "runner"):
            writing.take(getattr(worker, part).run(), name=part)
        working.take(worker.intake.run(), name="intake", close=worker.intake.close)
        alone = settings.uses_sqlite
        puller = Puller(worker.intake, age_floor=HEAL_AFTER if alone else 0, on_pulled=resources.metrics.pulled.inc)
        self._keep(working, puller, every=1.0 if alone else 0.1)
        self._keep(writing, worker.reconciler, every=5.0)
        watch = resources.metrics.watch
        watch("slots", "Executions this worker may hold at once.", lambda: worker.slots.total)
        watch("slots_used", "Executions this worker holds.", lambda: worker.slots.used)
        watch("results_waiting", "Results that are not in the database yet.", lambda: worker.finisher.backlog)
        watch("journal_bytes", "Size of the journal of results.", lambda: journal.size)
        self._keep(writing, CancelLook(worker), every=1.0)

    def _start_scheduler(self, scheduling: Crew) -> None:
        if Role.SCHEDULER not in self._settings.roles:
            return
        resources, desk, settings = self._resources, self._resources.desk, self._settings
        window = Window()
        recorder = Recorder(
            desk=desk,
            clock=resources.clock,
            window=window,
            worker=self.worker,
            events=resources.events,
            on_recorded=self._note_recorded,
            patience=PATIENCE_ALONE if settings.uses_sqlite else PATIENCE_AMONG_OTHERS,
        )
        reader = WindowReader(
            desk=desk, clock=resources.clock, membership=self.membership, window=window, wake=recorder.wake
        )
        resources.dispatch.listen(CursorMoved, recorder.cursor_moved)
        scheduling.take(recorder.run(), name="recorder", close=recorder.close)
        self._keep(scheduling, reader, every=1.0)
        called = GateCalls(desk=desk)
        resources.dispatch.listen(RoomMade, called.note)
        for service in (called, Follower(desk=desk)):
            resources.dispatch.listen(RoomMade, self._keep(scheduling, service, every=1.0).on_news)
        self._keep(scheduling, GateRounds(desk=desk), every=1.0)
        resources.metrics.watch("window_schedules", "Schedules that fire within two seconds.", lambda: len(window))
        self._keep(scheduling, PendingAge(desk=desk, show=resources.metrics.oldest_pending.set), every=5.0)
        self._keep(scheduling, GateSweeper(desk=desk), every=10.0)
        self._keep(
            scheduling, Rescuer(desk=desk, events=resources.events, on_rescued=resources.metrics.rescued.inc), every=1.0
        )
        self._keep(scheduling, Expirer(desk=desk), every=2.0)
        grace = int(settings.cancel_grace_seconds * MICROS)
        self._keep(scheduling, CancelWatch(desk=desk, grace_micros=grace), every=5.0)
        backfiller = Backfiller(desk=desk, membership=self.membership, rate=settings.catchup_rate)
        self._keep(scheduling, backfiller, every=1.0)
        keep = Retention(
            executions=int(settings.retention_days * DAY),
            failures=int(settings.failure_retention_days * DAY),
            bodies=int(settings.body_retention_days * DAY),
        )
        self._keep(scheduling, Purger(desk=desk, membership=self.membership, keep=keep), every=60.0)

    def _keep(self, crew: Crew, service: Service, *, every: float) -> Rhythm:
        rhythm = Rhythm(service, interval=every, on_failure=self._note_failure)
        crew.take(rhythm.run(), name=service.name, close=rhythm.close)
        return rhythm

    async def _leave(self) -> None:
        """Stop counting as an owner at once: the others need not wait for missing beats."""
        if not self.lost.is_set():
            await _within(2.0, self._resources.store.write(partial(nodes.leave, session=self.session)))

    async def _drain(self, worker: Worker, hurry: asyncio.Event) -> Drained:
        seconds = 0.0 if self.lost.is_set() else self._settings.drain_timeout_seconds
        drained = await worker.drain(seconds=seconds, hurry=hurry)
        await _within(FLUSH_SECONDS, worker.finisher.flushed())
        await _within(2.0, worker.reconciler.run_last())
        return drained

    async def _end(self) -> None:
        now = self._resources.clock.now()
        self.membership.retire()
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
            self.worker.slots.open = self.ready

    def _note_recorded(self, recorded: Recorded) -> None:
        metrics = self._resources.metrics
        metrics.recorded.inc(recorded.executions)
        metrics.missed.inc(recorded.missed)
        for lateness in recorded.lateness:
            metrics.fire_to_recorded.observe(lateness / MICROS)

    def _note_failure(self, failed: PassFailed) -> None:
        self._resources.events.pass_failed(failed.service, failed.error, failures=failed.failures)


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
