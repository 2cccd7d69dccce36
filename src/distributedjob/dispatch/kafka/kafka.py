"""Kafka as one process uses it: the watch and the publisher for its whole life, readers for a worker's session."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence

from confluent_kafka import KafkaException

from distributedjob.dispatch.kafka.access import KafkaAccess
from distributedjob.dispatch.kafka.flow import LATE_SECONDS, LOST_AFTER, HintFlow
from distributedjob.dispatch.kafka.message import mark_of
from distributedjob.dispatch.kafka.publisher import HintPublisher
from distributedjob.dispatch.kafka.reader import HintReader, Mouth
from distributedjob.dispatch.kafka.watch import KafkaWatch
from distributedjob.model.errors import Invalid
from distributedjob.model.instant import Instant
from distributedjob.telemetry.events import Events
from distributedjob.telemetry.metrics import Metrics


class Kafka:
    """`publisher` is a carrier. `queues` are those whose topics this node makes. Raises Invalid."""

    def __init__(
        self,
        access: KafkaAccess,
        *,
        queues: Iterable[str],
        cluster_key: bytes,
        now: Callable[[], Instant],
        events: Events,
        metrics: Metrics,
    ) -> None:
        self._access = access
        self._cluster = mark_of(cluster_key)
        self._now = now
        self._events = events
        self._metrics = metrics
        self._watch = KafkaWatch(access, queues=queues, events=events, metrics=metrics)
        try:
            self.publisher = HintPublisher(access, watch=self._watch, cluster=self._cluster, now=now, metrics=metrics)
        except KafkaException as error:
            words = error.args[0].str()
            field = "kafka_ca" if "ssl.ca" in words else "kafka_servers"
            raise Invalid.one(field, f"cannot be used: {words}") from None

    @property
    def connected(self) -> bool:
        return self._watch.connected

    def start(self) -> None:
        self._watch.start()
        self.publisher.start()

    async def close(self) -> None:
        """Send what waits; brokers that do not answer are not waited for."""
        self._watch.close()
        await asyncio.to_thread(self.publisher.close)

    def reader(self, queue: str, *, mouth: Mouth) -> HintReader:
        """A reader for one session; it reads while its `run` lives."""
        return HintReader(
            self._access,
            queue,
            watch=self._watch,
            mouth=mouth,
            cluster=self._cluster,
            now=self._now,
            events=self._events,
            metrics=self._metrics,
        )

    def flow(self, readers: Sequence[HintReader]) -> HintFlow:
        """Whether hints reach these readers."""
        return HintFlow(trouble=lambda: self._trouble(readers), clock=time.monotonic, on_change=self._events.hints_flow)

    def _trouble(self, readers: Sequence[HintReader]) -> str:
        if not self._watch.connected:
            return "Kafka does not answer"
        if self.publisher.failing:
            return "Kafka does not take hints"
        if any(time.monotonic() - reader.assigned_at > LOST_AFTER and not reader.resting for reader in readers):
            return "Kafka gave this worker no partitions"
        if any(time.monotonic() - reader.late_at < LATE_SECONDS for reader in readers):
            return "hints are too old when they are read: there is more work than the workers can do"
        return ""
