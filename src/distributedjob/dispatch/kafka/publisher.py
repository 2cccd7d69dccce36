"""Hints out to Kafka. A hint that cannot be sent is dropped and counted; whoever announces it never waits or fails.

Messages go round the partitions one by one, and hints are spread over as many messages as there are partitions: the
workers get equal shares, each as its partitions come. A key, or the library's own choice, would favour some for a time.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import count as numbers

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from distributedjob.dispatch.kafka.access import KafkaAccess
from distributedjob.dispatch.kafka.message import HORIZON, LIMIT, Dropped, Due, count, encode
from distributedjob.dispatch.kafka.topics import Topic
from distributedjob.dispatch.kafka.watch import KafkaWatch
from distributedjob.dispatch.port import News
from distributedjob.model.execution import Hint
from distributedjob.model.instant import Instant
from distributedjob.runtime import crash
from distributedjob.telemetry.metrics import Metrics

POLL_SECONDS = 0.2
FLUSH_SECONDS = 0.5
FAILING_SECONDS = 3.0
FEWEST = 8
"""Hints of one message, where there are so many: most of what a message costs is not its hints'. With very many all
partitions get their part."""

MOST_MESSAGES = 10_000
MOST_KILOBYTES = 16_384
PATIENCE_MS = 3_000
"""A hint that is not delivered by then is worthless: the pull has found its row."""


class HintPublisher:
    """A carrier of hints. `cluster` marks our messages, `now` reads the installation's time."""

    def __init__(
        self, access: KafkaAccess, *, watch: KafkaWatch, cluster: bytes, now: Callable[[], Instant], metrics: Metrics
    ) -> None:
        self._access = access
        self._watch = watch
        self._cluster = cluster
        self._now = now
        self._metrics = metrics
        self._turn = numbers()
        self._topics: dict[str, str] = {}
        self._delivered_at = self._failed_at = 0.0
        self._closing = False
        self._producer = self._open()
        self._retired: list[Producer] = []
        self._thread = threading.Thread(target=self._live, name="kafka-publisher", daemon=True)

    @property
    def failing(self) -> bool:
        """Whether messages were refused a moment ago, and none got through since."""
        return self._failed_at > self._delivered_at and time.monotonic() - self._failed_at < FAILING_SECONDS

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Send what waits, for half a second at most. Blocks."""
        self._closing = True
        self._thread.join(POLL_SECONDS + 2 * FLUSH_SECONDS)

    def carry(self, news: Sequence[News]) -> None:
        """Publish the hints among the news."""
        queues: dict[str, list[Due]] = defaultdict(list)
        for item in news:
            if type(item) is Hint:
                queues[item.queue].append(Due(item.id, item.fence, item.not_before))
        for queue, hints in queues.items():
            self._publish(queue, hints)

    def _publish(self, queue: str, hints: list[Due]) -> None:
        now = self._now()
        near = [hint for hint in hints if hint.not_before <= now + HORIZON]
        if len(near) < len(hints):
            self._drop(Dropped.FAR, len(hints) - len(near))
        topic = self._watch.find(queue)
        if topic is None:
            self._drop(Dropped.NO_TOPIC, len(near))
            return
        name = self._name_of(queue, topic)
        size = min(LIMIT, max(FEWEST, -(-len(near) // topic.partitions)))
        for start in range(0, len(near), max(1, size)):
            part = near[start : start + size]
            payload = encode(part, cluster=self._cluster, sent_at=now)
            self._send(name, payload, next(self._turn) % topic.partitions, len(part))

    def _send(self, topic: str, payload: bytes, partition: int, hints: int) -> None:
        crash.reached("before_publish")
        try:
            self._producer.produce(topic, payload, partition=partition, on_delivery=self._note)
        except BufferError:
            self._drop(Dropped.FULL, hints)
        except KafkaException:
            self._failed_at = time.monotonic()
            self._drop(Dropped.NOT_DELIVERED, hints)
        else:
            crash.reached("after_publish")
            self._metrics.hints_published.inc(hints)

    def _name_of(self, queue: str, topic: Topic) -> str:
        """The topic's name. A topic that was lost and made again is another topic: the library's producer does not
        find its way to it, so a new one is opened."""
        if self._topics.get(queue, topic.id) != topic.id:
            self._topics.clear()
            self._retired.append(self._producer)
            self._producer = self._open()
        self._topics[queue] = topic.id
        return self._access.topic(queue)

    def _note(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self._delivered_at = time.monotonic()
            return
        self._failed_at = time.monotonic()
        self._watch.deny(message.topic() or "", "writing", error)
        self._drop(Dropped.NOT_DELIVERED, count(message.value()))

    def _drop(self, reason: Dropped, hints: int) -> None:
        if hints:
            self._metrics.hints_dropped.labels(reason).inc(hints)

    def _live(self) -> None:
        while not self._closing:
            self._producer.poll(POLL_SECONDS)
            while self._retired:  # its end takes a moment, which this thread has
                self._retired.pop().purge()
        self._producer.flush(FLUSH_SECONDS)

    def _open(self) -> Producer:
        settings = self._access.client(
            on_error=self._watch.hear,
            acks="1",
            linger_ms=0,
            message_timeout_ms=PATIENCE_MS,
            queue_buffering_max_messages=MOST_MESSAGES,
            queue_buffering_max_kbytes=MOST_KILOBYTES,
        )
        return Producer(settings)
