"""Prometheus metrics, all with the prefix `distributedjob_`. No labels per task: their number must not grow."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

LATENESS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)
SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500)


Family = GaugeMetricFamily | CounterMetricFamily


class Metrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._watched: list[_Watched] = []
        self.fire_to_recorded = self._histogram("fire_to_recorded_seconds", "Fire time to recorded.", LATENESS)
        self.fire_to_sent = self._histogram("fire_to_sent_seconds", "Fire time to first byte of attempt 1.", LATENESS)
        self.executions = self._counter("executions_ended", "Executions by the state they ended in.", ["state"])
        self.recorded = self._counter("executions_recorded", "Executions recorded from schedules.")
        self.missed = self._counter("fires_missed", "Fires that became part of a missed range.")
        self.pulled = self._counter("pull_heals", "Executions claimed by pull, without a hint.")
        self.fenced = self._counter("results_fenced", "Results that came too late to count.")
        self.rescued = self._counter("executions_rescued", "Executions taken from lost workers.")
        self.etcd_registrations = self._counter("etcd_registrations_anew", "Registrations after a lost lease.")
        self.redis_connected = Gauge(
            "distributedjob_redis_connected", "Whether Redis answers: 0 without one.", registry=self.registry
        )
        self.kafka_connected = Gauge(
            "distributedjob_kafka_connected", "Whether Kafka answers: 0 without one.", registry=self.registry
        )
        self.hints_published = self._counter("hints_published", "Hints given to Kafka.")
        self.hints_received = self._counter("hints_received", "Hints that Kafka brought.")
        self.hints_dropped = self._counter(
            "hints_dropped", "Hints not sent, and messages not read, by reason.", ["reason"]
        )
        self.lookups = self._counter("cache_lookups", "Looks at what is kept for a moment.", ["kind", "result"])
        self.cache_foreign = self._counter("cache_foreign", "Values and messages in Redis that are not ours.")
        self.news_dropped = self._counter("news_dropped", "News that did not reach the other nodes.")
        self.limited = self._counter("api_limited", "Requests refused because there were too many.")
        self.flush_rows = self._histogram("flush_rows", "Rows per batch of results.", SIZES)
        self.flush_seconds = self._histogram("flush_seconds", "Time to write one batch of results.", SECONDS)
        self.oldest_pending = Gauge(
            "distributedjob_oldest_pending_age_seconds",
            "How long the oldest due execution has been waiting for a worker.",
            registry=self.registry,
        )
        self.queue_pending = self._gauge("queue_pending", "Executions that wait in a queue; on the leader.", ["queue"])
        self.queue_without_worker = self._gauge(
            "queue_without_worker", "1 where a queue in use has no living worker; on the leader.", ["queue"]
        )
        self.loop_lag = self._histogram("loop_lag_seconds", "How late the event loop runs its timers.", SECONDS)

    def watch(self, name: str, help_: str, read: Callable[[], float]) -> None:
        """A gauge that is read when somebody looks, until `unwatch`."""
        self._watch(_Watched(GaugeMetricFamily, f"distributedjob_{name}", help_, read))

    def watch_total(self, name: str, help_: str, read: Callable[[], float]) -> None:
        """A counter that somebody else keeps, read when somebody looks, until `unwatch`."""
        self._watch(_Watched(CounterMetricFamily, f"distributedjob_{name}", help_, read))

    def _watch(self, watched: "_Watched") -> None:
        self._watched.append(watched)
        self.registry.register(watched)

    def unwatch(self) -> None:
        """Forget all that is watched: what it reads is about to close."""
        for watched in self._watched:
            self.registry.unregister(watched)
        self._watched.clear()

    def render(self) -> bytes:
        """The text format of all metrics."""
        return generate_latest(self.registry)

    def _histogram(self, name: str, help_: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"distributedjob_{name}", help_, buckets=buckets, registry=self.registry)

    def _gauge(self, name: str, help_: str, labels: list[str]) -> Gauge:
        return Gauge(f"distributedjob_{name}", help_, labels, registry=self.registry)

    def _counter(self, name: str, help_: str, labels: list[str] | None = None) -> Counter:
        return Counter(f"distributedjob_{name}", help_, labels or [], registry=self.registry)


class _Watched(Collector):
    def __init__(self, family: type[Family], name: str, help_: str, read: Callable[[], float]) -> None:
        self._family, self._name, self._help, self._read = family, name, help_, read

    def collect(self) -> list[Family]:
        return [self._family(self._name, self._help, value=self._read())]
