"""The role `scheduler`: records due fires, keeps gates, rescues, expires, catches up, purges."""

import asyncio
from collections.abc import Sequence
from functools import partial

from distributedjob.cluster.port import Membership
from distributedjob.dispatch.port import CursorMoved, Elsewhere, RoomMade
from distributedjob.model.instant import DAY, SECOND
from distributedjob.resources import Resources
from distributedjob.roles.keep import keep
from distributedjob.runtime.crew import Crew
from distributedjob.runtime.rhythm import Service
from distributedjob.scheduler.ages import PendingAge
from distributedjob.scheduler.backfiller import Backfiller
from distributedjob.scheduler.elsewhere import ShardNews
from distributedjob.scheduler.expirer import CancelWatch, Expirer
from distributedjob.scheduler.follower import Follower
from distributedjob.scheduler.gates import GateCalls, GateRounds, GateSweeper
from distributedjob.scheduler.purger import Purger, Retention
from distributedjob.scheduler.queues import QueueWatch
from distributedjob.scheduler.recorder import Recorder, WindowReader
from distributedjob.scheduler.rescuer import Rescuer
from distributedjob.scheduler.turns import LeadersTurn
from distributedjob.scheduler.window import Window
from distributedjob.services.batch import Recorded
from distributedjob.services.queues import Queue
from distributedjob.telemetry.metrics import Metrics
from distributedjob.worker.worker import Worker

SHOWN_QUEUES = 100
"""A metric has no more labels than these."""

WITHOUT_NEWS = 10.0

PATIENCE_ALONE = 2_000_000
PATIENCE_AMONG_OTHERS = 250_000
"""Where another node may have room at once, a fire is not kept waiting for a slot of this one."""


def start_scheduler(resources: Resources, *, membership: Membership, worker: Worker | None, crew: Crew) -> None:
    """Start everything the role does. `worker` is this process's own, if it has one."""
    _start_recorder(resources, membership=membership, worker=worker, crew=crew)
    _start_gates(resources, crew=crew)
    for every, service in (*_services(resources, membership), *_rounds(resources, membership)):
        keep(crew, service, every=every, events=resources.events)


def _start_recorder(resources: Resources, *, membership: Membership, worker: Worker | None, crew: Crew) -> None:
    window = Window()
    recorder = Recorder(
        desk=resources.desk,
        clock=resources.clock,
        window=window,
        worker=worker,
        events=resources.events,
        on_recorded=lambda recorded: _count(resources, recorded),
        patience=PATIENCE_ALONE if resources.settings.uses_sqlite else PATIENCE_AMONG_OTHERS,
    )
    reader = WindowReader(
        desk=resources.desk, clock=resources.clock, membership=membership, window=window, wake=recorder.wake
    )
    resources.dispatch.listen(CursorMoved, recorder.cursor_moved)
    crew.take(recorder.run(), name="recorder", close=recorder.close)
    reading = keep(crew, reader, every=1.0, events=resources.events)
    membership.on_shards(partial(asyncio.get_running_loop().call_soon_threadsafe, reading.wake))
    others = ShardNews(clock=resources.clock, membership=membership, look=reading.wake, tell=resources.dispatch.deliver)
    resources.dispatch.listen(Elsewhere, others.hear)
    resources.metrics.watch("window_schedules", "Schedules that fire within two seconds.", lambda: len(window))


def _start_gates(resources: Resources, *, crew: Crew) -> None:
    """On news of room, whoever hears of it looks at once; what no news told is found in the rounds."""
    called, follower = GateCalls(desk=resources.desk), Follower(desk=resources.desk)
    resources.dispatch.listen(RoomMade, called.note)
    for service in (called, follower):
        rhythm = keep(crew, service, every=WITHOUT_NEWS, events=resources.events)
        resources.dispatch.listen(RoomMade, rhythm.on_news)


def _rounds(resources: Resources, membership: Membership) -> list[tuple[float, Service]]:
    """(seconds, service) of what every scheduler may do, and one is enough to."""
    desk = resources.desk
    rounds: list[tuple[float, int, Service]] = [
        (1.0, 10, GateRounds(desk=desk)),
        (1.0, 10, Follower(desk=desk)),
        (2.0, 15, Expirer(desk=desk)),
        (10.0, 6, GateSweeper(desk=desk)),
    ]
    return [(every, LeadersTurn(service, membership=membership, nth=nth)) for every, nth, service in rounds]


def _services(resources: Resources, membership: Membership) -> list[tuple[float, Service]]:
    desk, settings, metrics = resources.desk, resources.settings, resources.metrics
    show = partial(show_queues, metrics)
    retention = Retention(
        executions=int(settings.retention_days * DAY),
        failures=int(settings.failure_retention_days * DAY),
        bodies=int(settings.body_retention_days * DAY),
    )
    return [
        (1.0, Rescuer(desk=desk, events=resources.events, on_rescued=metrics.rescued.inc)),
        (1.0, Backfiller(desk=desk, membership=membership, rate=settings.catchup_rate)),
        (5.0, CancelWatch(desk=desk, grace_micros=int(settings.cancel_grace_seconds * SECOND))),
        (5.0, QueueWatch(desk=desk, membership=membership, events=resources.events, show=show)),
        (5.0, PendingAge(desk=desk, show=metrics.oldest_pending.set)),
        (60.0, Purger(desk=desk, membership=membership, keep=retention)),
    ]


def show_queues(metrics: Metrics, queues: Sequence[Queue]) -> None:
    """Those that nobody serves come first, where there are too many to show."""
    metrics.queue_pending.clear()
    metrics.queue_without_worker.clear()
    for queue in sorted(queues, key=lambda queue: (not queue.lacks_worker, queue.name))[:SHOWN_QUEUES]:
        metrics.queue_pending.labels(queue.name).set(queue.pending)
        metrics.queue_without_worker.labels(queue.name).set(float(queue.lacks_worker))


def _count(resources: Resources, recorded: Recorded) -> None:
    metrics = resources.metrics
    metrics.recorded.inc(recorded.executions)
    metrics.missed.inc(recorded.missed)
    for lateness in recorded.lateness:
        metrics.fire_to_recorded.observe(lateness / SECOND)
