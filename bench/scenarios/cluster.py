"""Many nodes on one machine: throughput by Kafka and by pull, with 1, 2 and 4 workers; lateness; cost on the database.

Everything shares the same cores: nodes, MariaDB, Kafka and the sink. Throughput is measured by more fires than can be
done at once, from the end of the warm-up to the last call: what is late is done later, so the quotient is the rate.
While it warms up, each worker meets the tasks for the first time, and reads and compiles them.
"""

import statistics
from functools import partial

from bench.arrivals import judge
from bench.cluster import Layout, open_cluster, server_pid, start_services
from bench.database import open_mariadb
from bench.floor import calls_per_second
from bench.load import evenly, insert
from bench.meter import usage
from bench.report import Figure, Target, at_least, at_most
from bench.schema import prepare_schema
from bench.settings import Mode
from bench.sink import Sink
from bench.trial import now, run_trial, sleep_until
from distributedjob.model.instant import SECOND

OFFERED = 4_000
SLOW_OFFERED = 2_100
"""Above what four workers of `SLOW_SLOTS` can do with calls of 100 ms: 2,000/s."""
WARM_SECONDS = 8
SLOW_SLOTS = 50
FLOOR_SECONDS = 3.0
PATIENCE_SECONDS = 60
WORKERS = (1, 2, 4)
RATE_BY_WAY: dict[str, Target] = {"Kafka": at_least(2_500), "pull": at_least(2_000)}
LATENESS_BY_WAY = {"Kafka": at_most(50), "pull": at_most(200)}


def measure(mode: Mode, sink: Sink) -> list[Figure]:
    start_services("mariadb", "kafka")
    figures: list[Figure] = []
    for kafka in (True, False):
        figures += _throughput(mode, sink, kafka=kafka)
        figures += _scaling(mode, sink, kafka=kafka)
        figures += _lateness(mode, sink, kafka=kafka)
    return figures


def _throughput(mode: Mode, sink: Sink, *, kafka: bool) -> list[Figure]:
    """The best of 1, 2 and 4 workers counts; each is told."""
    floor = calls_per_second(sink_url=sink.url, seconds=FLOOR_SECONDS)
    seconds = mode.cluster_seconds
    runs = {
        count: _drain(Layout(workers=count, kafka=kafka), sink, url=sink.url, offered=OFFERED, seconds=seconds)
        for count in WORKERS
    }
    way = Layout(kafka=kafka).way
    best = max(runs, key=lambda count: runs[count].rate)
    note = "; ".join(f"{count} workers {run.words}" for count, run in runs.items())
    return [
        Figure(f"throughput by {way}, instant target", runs[best].rate, "executions/s", RATE_BY_WAY[way], floor, note),
        Figure(f"CPU of MariaDB by {way}", runs[best].database_us, "µs/execution"),
        Figure(f"CPU of the nodes by {way}", runs[best].nodes_us, "µs/execution", floor=1e6 / floor),
        Figure(f"lost or doubled by {way}", sum(run.wrong for run in runs.values()), "fires", at_most(0)),
    ]


def _scaling(mode: Mode, sink: Sink, *, kafka: bool) -> list[Figure]:
    """The median of rounds, each of which sees the machine in one mood."""
    rounds = [
        {count: _drain_slowly(mode, sink, workers=count, kafka=kafka) for count in WORKERS} for _ in range(mode.repeats)
    ]
    ratio = statistics.median(runs[max(WORKERS)].rate / runs[1].rate for runs in rounds)
    way = Layout(kafka=kafka).way
    note = "; ".join(f"{count} workers {', '.join(runs[count].words for runs in rounds)}" for count in WORKERS)
    return [Figure(f"1 to 4 workers by {way}, target of 100 ms", ratio, "times", at_least(3.8), note=note)]


def _drain_slowly(mode: Mode, sink: Sink, *, workers: int, kafka: bool) -> "_Run":
    return _drain(
        Layout(workers=workers, slots=SLOW_SLOTS, kafka=kafka),
        sink,
        url=sink.slow_url,
        offered=SLOW_OFFERED * workers // max(WORKERS),
        seconds=mode.cluster_seconds,
    )


def _lateness(mode: Mode, sink: Sink, *, kafka: bool) -> list[Figure]:
    layout = Layout(workers=2, kafka=kafka)
    figures = []
    for rate, target in ((50, LATENESS_BY_WAY[layout.way]), (500, None)):
        verdict = run_trial(
            lambda first_at, rate=rate: evenly(rate, first_at=first_at),  # type: ignore[misc]
            tasks=rate,
            seconds=mode.lateness_seconds,
            sink=sink,
            open_database=open_mariadb,
            open_subject=partial(open_cluster, layout=layout),
            warm_seconds=4,
        ).verdict
        note = f"p50 {verdict.p50:.1f}, last {verdict.last:.0f} ms, {verdict.lost} lost, {verdict.doubled} doubled"
        figures.append(Figure(f"lateness p99 at {rate}/s by {layout.way}", verdict.p99, "ms", target, note=note))
    return figures


class _Run:
    def __init__(self, *, fires: int, seconds: float, wrong: int, nodes_cpu: float, database_cpu: float) -> None:
        self.rate = fires / seconds
        self.wrong = wrong
        self.nodes_us = nodes_cpu * 1e6 / fires
        self.database_us = database_cpu * 1e6 / fires

    @property
    def words(self) -> str:
        return f"{self.rate:,.0f}/s"


def _drain(layout: Layout, sink: Sink, *, url: str, offered: int, seconds: int) -> _Run:
    """`offered` fires a second for the warm-up and so long, and then until the last of them is called."""
    since = len(sink.log)
    with open_mariadb() as database:
        prepare_schema(database)
        with open_cluster(database, layout=layout) as cluster:
            first_at = now() + round((3 + offered / 4_000) * SECOND)
            load = evenly(offered, first_at=first_at, limit=WARM_SECONDS + seconds)
            warm_at = first_at + WARM_SECONDS * SECOND
            expected = load.fires(first_at, warm_at + seconds * SECOND)
            insert(load, sink_url=url, into=database)
            sleep_until(warm_at)
            nodes, server = cluster.usage(), usage(server_pid("mariadb"))
            patience = seconds + PATIENCE_SECONDS
            arrivals = sink.log.collect(expected, since=since, timeout_seconds=patience)
            nodes_after, server_after = cluster.usage(), usage(server_pid("mariadb"))
    verdict = judge(arrivals, expected=expected)
    warm = [arrival.arrived_at for arrival in arrivals if arrival.arrived_at >= warm_at]
    return _Run(
        fires=len(warm),
        seconds=(max(warm) - warm_at) / SECOND,
        wrong=verdict.lost + verdict.doubled,
        nodes_cpu=nodes_after.cpu_seconds - nodes.cpu_seconds,
        database_cpu=server_after.cpu_seconds - server.cpu_seconds,
    )
