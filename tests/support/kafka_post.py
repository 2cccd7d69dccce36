"""Nodes as Kafka sees them: a `KafkaPost` publishes hints and reads them for as many workers as a test asks for."""

import asyncio
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

from confluent_kafka import Producer

from distributedjob.dispatch.kafka.access import KafkaAccess
from distributedjob.dispatch.kafka.kafka import Kafka
from distributedjob.dispatch.kafka.message import Due
from distributedjob.dispatch.kafka.reader import HintReader, Mouth
from distributedjob.model.execution import Hint
from distributedjob.telemetry.events import Events
from distributedjob.telemetry.metrics import Metrics

CLUSTER_KEY = b"k" * 32
DEADLINE = 30.0


def present() -> int:
    return time.time_ns() // 1_000


def fresh_prefix() -> str:
    return f"test-{secrets.token_hex(6)}"


async def until_within(seconds: float, true) -> None:
    """As `until`, for what a broker takes longer for."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


@dataclass
class Reading:
    """One worker's reader, and what it was given. `room` is its appetite before what it got."""

    reader: HintReader
    room: int = 1_000
    wanted: bool = True
    got: list[Due] = field(default_factory=list)
    task: "asyncio.Task[None] | None" = None

    @property
    def ids(self) -> list[int]:
        return sorted(hint.id for hint in self.got)

    @property
    def assigned(self) -> bool:
        return time.monotonic() - self.reader.assigned_at < 1.0

    def take(self, _queue: str, hints: Sequence[Due]) -> None:
        self.got += hints


class KafkaPost:
    """One process on Kafka. `now` may be moved by a test; it is added to the wall clock, in microseconds."""

    def __init__(self, access: KafkaAccess, *, queues: Sequence[str] = ("default",), key: bytes = CLUSTER_KEY) -> None:
        self.access = access
        self.metrics = Metrics()
        self.shift = 0
        self.readings: list[Reading] = []
        self.kafka = Kafka(
            access,
            queues=queues,
            cluster_key=key,
            now=lambda: present() + self.shift,
            events=Events(node=access.node),
            metrics=self.metrics,
        )

    async def __aenter__(self) -> "KafkaPost":
        self.kafka.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop(*self.readings)
        await self.kafka.close()

    async def stop(self, *readings: Reading) -> None:
        tasks = [reading.task for reading in readings if reading.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def read(self, queue: str = "default", *, room: int = 1_000, bite: int = 1) -> Reading:
        """Start a worker's reader."""

        def take(name: str, hints: Sequence[Due]) -> None:
            reading.take(name, hints)

        mouth = Mouth(
            take=take,
            appetite=lambda: reading.room - len(reading.got),
            wanted=lambda: reading.wanted,
            bite=bite,
        )
        reading = Reading(self.kafka.reader(queue, mouth=mouth), room)
        reading.task = asyncio.create_task(reading.reader.run())
        self.readings.append(reading)
        return reading

    async def ready(self, *readings: Reading) -> None:
        """Wait until readers have partitions, and get what is published from now on."""
        for reading in readings or self.readings:
            await until_within(DEADLINE, lambda reading=reading: reading.assigned)
        first = self.readings[0] if not readings else readings[0]
        await self.flowing(first.reader._queue)

    async def flowing(self, queue: str = "default") -> None:
        """Publish until every partition has brought something: a new member's first fetch is on its way for a while."""
        readings = [reading for reading in self.readings if reading.reader._queue == queue and reading.wanted]
        partitions = self.access.partitions
        quiet, fresh = 0, count(10**15, 2 * partitions)
        while quiet < 3:
            start = next(fresh)
            ids = set(range(start, start + 2 * partitions))
            self.publish(*ids, queue=queue)
            with suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    while {hint.id for reading in readings for hint in reading.got} < ids:
                        await asyncio.sleep(0.005)
            quiet = quiet + 1 if ids <= {hint.id for reading in readings for hint in reading.got} else 0
            for reading in readings:
                reading.got.clear()

    def publish(self, *ids: int, queue: str = "default", after: int = 0) -> None:
        """Announce executions that are due in `after` microseconds."""
        due = present() + self.shift + after
        self.kafka.publisher.carry([Hint(id_, 0, due, queue) for id_ in ids])

    def value(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"distributedjob_{name}", labels) or 0.0

    def dropped(self, reason: str) -> float:
        return self.value("hints_dropped_total", reason=reason)


def access_to(servers: Sequence[str], **settings: object) -> KafkaAccess:
    values = {"prefix": fresh_prefix(), "node": "test", "partitions": 4, **settings}
    return KafkaAccess(servers=tuple(servers), **values)  # type: ignore[arg-type]


def post_raw(access: KafkaAccess, *payloads: bytes, queue: str = "default") -> None:
    """What a stranger with the right to write may do."""
    producer = Producer({"bootstrap.servers": ",".join(access.servers)})
    for payload in payloads:
        producer.produce(access.topic(queue), payload)
    assert producer.flush(10) == 0, "the broker did not take the messages"
