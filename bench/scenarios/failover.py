"""What a death costs: a scheduler killed or stopped, a worker killed in mid-call. How late is what was theirs?

Two schedulers and two workers, 50 fires a second on a target that takes 100 ms. The harm is done once per run; the
latest fire after it, or the next attempt of a call that was cut, is the figure.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from bench.arrivals import Arrival, judge
from bench.cluster import Cluster, Layout, open_cluster, start_services
from bench.database import open_mariadb
from bench.load import Load, evenly, insert
from bench.report import Figure, at_most
from bench.schema import prepare_schema
from bench.settings import Mode
from bench.sink import Sink
from bench.trial import now, sleep_until
from distributedjob.model.instant import SECOND, Instant

RATE = 50
CALM_SECONDS = 4
WATCHED_SECONDS = 12
RESCUE_SECONDS = 28
SECOND_ATTEMPT = 2
POLL_SECONDS = 0.005

Harm = Callable[[Cluster], Instant]
"""Returns when it was done."""


def measure(mode: Mode, sink: Sink) -> list[Figure]:
    start_services("mariadb", "etcd")
    layout = Layout(schedulers=2, workers=2)
    with_etcd = Layout(schedulers=2, workers=2, etcd=True)
    cases: list[tuple[str, Layout, Harm, float]] = [
        ("scheduler killed, latest fire", layout, _kill_scheduler, 8),
        ("scheduler killed, with etcd, latest fire", with_etcd, _kill_scheduler, 7),
        ("scheduler stopped by SIGTERM, latest fire", layout, _stop_scheduler, 1.5),
    ]
    figures = []
    for name, where, harm, limit in cases:
        figures.append(_figure(name, [_latest(where, harm, sink) for _ in range(mode.repeats)], limit))
    attempts = [_next_attempt(layout, sink) for _ in range(mode.repeats)]
    return [*figures, _figure("worker killed in mid-call, next attempt", attempts, 20)]


def _figure(name: str, seconds: list[float], limit: float) -> Figure:
    note = f"{len(seconds)} runs: {', '.join(f'{value:.2f}' for value in seconds)}"
    return Figure(name, median(seconds), "s", at_most(limit), note=note)


def _kill_scheduler(cluster: Cluster) -> Instant:
    killed_at = now()
    cluster.schedulers[1].kill()
    return killed_at


def _kill_worker(cluster: Cluster) -> Instant:
    """In mid-call: the workers pull in turn, and one may find nothing for a while."""
    worker = cluster.workers[0]
    with cluster.schedulers[0].client() as client:
        gives_up_at = now() + WATCHED_SECONDS * SECOND
        while not worker.gauge("distributedjob_slots_used", client=client):
            if now() > gives_up_at:
                raise RuntimeError(f"a worker had no call in the air for {WATCHED_SECONDS} s")
            time.sleep(POLL_SECONDS)
    killed_at = now()
    worker.kill()
    return killed_at


def _stop_scheduler(cluster: Cluster) -> Instant:
    stopped_at = now()
    cluster.schedulers[1].stop()
    return stopped_at


def _latest(layout: Layout, harm: Harm, sink: Sink) -> float:
    """Seconds by which the latest fire after the harm was called; infinite if one was lost."""
    watched = _run(layout, harm, sink, watched_seconds=WATCHED_SECONDS)
    expected = watched.load.fires(watched.harmed_at, watched.harmed_at + WATCHED_SECONDS * SECOND)
    return judge(watched.arrivals, expected=expected).last / 1_000


def _next_attempt(layout: Layout, sink: Sink) -> float:
    """Seconds from a worker's death to the last second attempt of a call that it had in the air."""
    watched = _run(layout, _kill_worker, sink, watched_seconds=RESCUE_SECONDS)
    again = [arrival.arrived_at for arrival in watched.arrivals if arrival.attempt == SECOND_ATTEMPT]
    return (max(again) - watched.harmed_at) / SECOND if again else float("inf")


@dataclass(frozen=True, slots=True)
class _Watched:
    arrivals: list[Arrival]
    load: Load
    harmed_at: Instant


def _run(layout: Layout, harm: Harm, sink: Sink, *, watched_seconds: int) -> _Watched:
    since = len(sink.log)
    with open_mariadb() as database:
        prepare_schema(database)
        with open_cluster(database, layout=layout) as cluster:
            load = evenly(RATE, first_at=now() + 3 * SECOND)
            insert(load, sink_url=sink.slow_url, into=database)
            sleep_until(load.first_at + CALM_SECONDS * SECOND)
            harmed_at = harm(cluster)
            sleep_until(harmed_at + (watched_seconds + 2) * SECOND)
            return _Watched(sink.log.read(since=since), load, harmed_at)
