"""Hints in from Kafka: one consumer per queue, on a thread of its own, in the group of that queue's workers.

One consumer for all queues would have to be in one group, and a group's members would then have to serve the same
queues: its rebalances, its lag and its rights would be of all queues together. So each queue has its own.

Back-pressure: the thread reads only while the worker has an appetite. For a moment it simply does not ask; what the
library has fetched meanwhile waits in this worker's own partitions, as it would with the broker. Longer, and the
partitions are paused, and asked without being read, since a member that never asks is put out of its group.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from distributedjob.dispatch.kafka.access import KafkaAccess
from distributedjob.dispatch.kafka.message import HORIZON, Dropped, Due, decode
from distributedjob.dispatch.kafka.topics import Topic
from distributedjob.dispatch.kafka.watch import KafkaWatch
from distributedjob.model.instant import Instant
from distributedjob.telemetry.events import Events
from distributedjob.telemetry.metrics import Metrics

POLL_SECONDS = 0.2
HUNGER_SECONDS = 0.25
"""How long a full worker's consumer is left alone before its partitions are paused."""

RETRY_SECONDS = 1.0
CLOSE_SECONDS = 1.0
AT_ONCE = 8
"""Messages taken together."""

FATAL = KafkaError._FATAL  # noqa: SLF001 - the library's name for an error after which a client is of no use
UNKNOWN_PROTOCOL = tuple(
    KafkaError(code).str()
    for code in (KafkaError.UNSUPPORTED_VERSION, KafkaError._UNSUPPORTED_FEATURE)  # noqa: SLF001
)
"""What a fatal error says when the broker does not know the protocol of today; it has no code of its own."""

FETCHING = {
    "auto.offset.reset": "latest",
    "auto.commit.interval.ms": 1_000,
    "allow.auto.create.topics": False,
    "queued.min.messages": 1_000,
    "queued.max.messages.kbytes": 1_024,
    "fetch.queue.backoff.ms": 20,
    "fetch.error.backoff.ms": 100,
}
MODERN: dict[str, object] = {"group.protocol": "consumer"}
CLASSIC: dict[str, object] = {
    "group.protocol": "classic",
    "partition.assignment.strategy": "cooperative-sticky",
    "session.timeout.ms": 10_000,
    "heartbeat.interval.ms": 2_000,
}


REMEDIES = {
    Dropped.GARBAGE: "somebody else writes to this topic; let only this cluster's nodes",
    Dropped.OVERSIZED: "somebody else writes to this topic; let only this cluster's nodes",
    Dropped.VERSION: "some nodes are newer than this one; finish the upgrade",
    Dropped.FOREIGN: "another cluster uses this topic; give each its own kafka_prefix",
    Dropped.OLD: "nothing to do, after an outage; in service, nodes cannot keep up",
    Dropped.FAR: "somebody else writes to this topic; let only this cluster's nodes",
}


@dataclass(frozen=True, slots=True)
class Mouth:
    """Where hints go. `take` is called on the event loop with a queue and hints; `appetite` says how many are wanted
    now, and reading begins when it is at least a `bite`; `wanted` says whether any are at all for the time being. Both
    are asked in a thread."""

    take: Callable[[str, Sequence[Due]], None]
    appetite: Callable[[], int]
    wanted: Callable[[], bool]
    bite: int = 1


class HintReader:
    """Reads the hints of one queue. `cluster` marks our messages, `now` reads the installation's time."""

    def __init__(
        self,
        access: KafkaAccess,
        queue: str,
        *,
        watch: KafkaWatch,
        mouth: Mouth,
        cluster: bytes,
        now: Callable[[], Instant],
        events: Events,
        metrics: Metrics,
    ) -> None:
        self._access = access
        self._queue = queue
        self._watch = watch
        self._mouth = mouth
        self._cluster = cluster
        self._now = now
        self._events = events
        self._metrics = metrics
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._protocol = MODERN
        self._closing = False
        self._handed = self._taken = 0
        self._hungry = threading.Event()
        self._waits = False
        self._paused = False
        self._broken = False
        self.assigned_at = 0.0
        """When this reader last had partitions, on the monotonic clock."""
        self.late_at = 0.0
        """When it last met a hint that was too old to read."""

    @property
    def resting(self) -> bool:
        """Whether this worker has left its group, for others to get its hints."""
        return not self._mouth.wanted()

    async def run(self) -> None:
        """Read until closed or cancelled; a consumer that cannot leave its group in time is left to the broker."""
        thread = threading.Thread(target=self._live, name=f"kafka-{self._queue}", daemon=True)
        thread.start()
        try:
            await self._ended.wait()
        finally:
            self.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._ended.wait()

    def close(self) -> None:
        self._closing = True
        self._hungry.set()

    def feed(self) -> None:
        """There may be an appetite again; called on the event loop, thousands of times a second."""
        if self._waits and self._is_hungry():
            self._hungry.set()

    def _live(self) -> None:
        try:
            while not self._closing:
                self._live_once()
        finally:
            self._tell_loop(self._ended.set)

    def _live_once(self) -> None:
        """One consumer, for as long as its topic is the same and its broker speaks its protocol."""
        topic = self._watch.find(self._queue)
        if topic is None or self.resting:
            time.sleep(POLL_SECONDS)
            return
        self._paused = self._broken = False
        consumer = Consumer(self._access.client(on_error=self._complain) | self._settings())
        try:
            consumer.subscribe([self._access.topic(self._queue)])
            while not (self._closing or self._broken or self.resting or self._is_another(topic)):
                self._turn(consumer)
        except KafkaException as error:
            self._complain(error.args[0])
            self._broken = True
        finally:
            consumer.close()
        if self._broken:
            time.sleep(RETRY_SECONDS)

    def _is_another(self, topic: Topic) -> bool:
        """Whether the topic was lost and made again. The library would go on where the old one ended, or not at
        all."""
        present = self._watch.find(self._queue)
        return present is not None and present.id != topic.id

    def _settings(self) -> dict[str, object]:
        return {**FETCHING, **self._protocol, "group.id": self._access.group(self._queue)}

    def _turn(self, consumer: Consumer) -> None:
        if not self._is_hungry() and not self._wait_for_appetite():
            self._paused = True
            consumer.pause(self._assigned(consumer))
            self._hand_over(consumer, consumer.poll(0))
            return
        if self._paused:
            self._paused = False
            consumer.resume(consumer.assignment())
        self._hand_over(consumer, consumer.poll(POLL_SECONDS))
        self._assigned(consumer)

    def _assigned(self, consumer: Consumer) -> list[TopicPartition]:
        assigned = consumer.assignment()
        if assigned:
            self.assigned_at = time.monotonic()
        return assigned

    def _appetite(self) -> int:
        return self._mouth.appetite() - (self._handed - self._taken)

    def _is_hungry(self) -> bool:
        return self._appetite() >= self._mouth.bite

    def _wait_for_appetite(self) -> bool:
        """Whether it came while there was nothing else to do."""
        self._hungry.clear()
        self._waits = True
        try:
            return self._is_hungry() or self._hungry.wait(HUNGER_SECONDS)
        finally:
            self._waits = False

    def _hand_over(self, consumer: Consumer, first: Message | None) -> None:
        """What has come, in one call into the event loop."""
        if first is None:
            return
        hints = self._read(first)
        while len(hints) < self._appetite() and (more := consumer.consume(AT_ONCE, 0)):
            for message in more:
                hints += self._read(message)
        if hints:
            self._handed += len(hints)
            self._metrics.hints_received.inc(len(hints))
            self._tell_loop(partial(self._give, hints))

    def _tell_loop(self, act: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # a consumer that could not leave in time may outlive the loop
            self._loop.call_soon_threadsafe(act)

    def _give(self, hints: list[Due]) -> None:
        self._taken += len(hints)
        self._mouth.take(self._queue, hints)

    def _read(self, message: Message) -> list[Due]:
        error = message.error()
        if error is not None:
            self._complain(error)
            return []
        now = self._now()
        hints = decode(message.value(), cluster=self._cluster, now=now)
        if isinstance(hints, Dropped):
            if hints is Dropped.OLD:
                self.late_at = time.monotonic()
            self._drop(hints, 1)
            return []
        horizon = now + 2 * HORIZON
        near = [hint for hint in hints if hint.not_before <= horizon]
        if len(near) < len(hints):
            self._drop(Dropped.FAR, len(hints) - len(near))
        return near

    def _drop(self, reason: Dropped, count: int) -> None:
        self._metrics.hints_dropped.labels(reason).inc(count)
        self._events.hints_dropped(reason=reason, topic=self._access.topic(self._queue), remedy=REMEDIES[reason])

    def _complain(self, error: KafkaError) -> None:
        """A fatal error needs a new consumer; a broker that does not know the protocol of today, the one of before."""
        self._watch.hear(error)
        self._watch.deny(self._access.group(self._queue), "reading by a group", error)
        if error.code() == FATAL or error.fatal():
            self._broken = True
            if any(words in error.str() for words in UNKNOWN_PROTOCOL):
                self._protocol = CLASSIC
