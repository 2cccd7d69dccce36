"""The role `worker`: claims executions, calls targets, writes results."""

import time

from distributedjob.cluster.port import Membership
from distributedjob.dispatch.port import CancelAsked
from distributedjob.resources import Resources
from distributedjob.roles.hints import take_hints
from distributedjob.roles.keep import keep
from distributedjob.runtime.crew import Crew
from distributedjob.targets.http import HttpCaller
from distributedjob.worker.journal import Journal
from distributedjob.worker.puller import HEAL_SECONDS, PULL_SECONDS, Puller
from distributedjob.worker.worker import PATIENCE_SECONDS, AheadLook, CancelLook, Worker, WorkerParts


def open_worker(resources: Resources, *, membership: Membership, caller: HttpCaller, journal: Journal) -> Worker:
    """A worker of this session; it claims nothing before `start_worker`."""
    settings = resources.settings
    parts = WorkerParts(
        desk=resources.desk,
        membership=membership,
        caller=caller,
        journal=journal,
        events=resources.events,
        metrics=resources.metrics,
        queues=settings.queues,
        slots=settings.slots,
        writers=1 if settings.uses_sqlite else 2,
    )
    return Worker(parts)


def start_worker(worker: Worker, resources: Resources, *, journal: Journal, working: Crew, writing: Crew) -> None:
    """`working` stops when the node takes no more work, `writing` when its last result is written."""
    settings, metrics, events = resources.settings, resources.metrics, resources.events
    for part in ("marker", "finisher", "runner"):
        writing.take(getattr(worker, part).run(), name=part)
    working.take(worker.intake.run(), name="intake", close=worker.intake.close)
    hinted = take_hints(worker, resources, crew=working)
    puller = Puller(worker.intake, hinted=hinted, clock=time.monotonic, on_pulled=metrics.pulled.inc)
    keep(working, puller, every=HEAL_SECONDS if settings.uses_sqlite else PULL_SECONDS, events=events)
    keep(writing, worker.reconciler, every=5.0, events=events)
    keep(writing, AheadLook(worker), every=PATIENCE_SECONDS / 2, events=events)
    cancels = CancelLook(worker)
    looking = keep(writing, cancels, every=1.0, events=events)
    resources.dispatch.listen(CancelAsked, lambda news: looking.wake() if cancels.concerns(news) else None)
    metrics.watch("slots", "Calls this worker may make at once.", lambda: worker.slots.total)
    metrics.watch("slots_used", "Executions this worker has claimed and not ended.", lambda: worker.slots.used)
    metrics.watch("hints_waiting", "Hints that wait for a slot.", lambda: worker.intake.waiting)
    metrics.watch("results_waiting", "Results that are not in the database yet.", lambda: worker.finisher.backlog)
    metrics.watch("journal_bytes", "Size of the journal of results.", lambda: journal.size)
