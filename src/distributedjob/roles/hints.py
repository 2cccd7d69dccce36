"""Where a worker's hints come from: this process, and Kafka where it is set."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from distributedjob.model.execution import Hint
from distributedjob.resources import Resources
from distributedjob.runtime.crew import Crew
from distributedjob.worker.worker import Worker

if TYPE_CHECKING:
    from distributedjob.dispatch.kafka.kafka import Kafka
    from distributedjob.dispatch.kafka.reader import HintReader

BITES = 4
"""A full worker asks Kafka again when there is room for so much of its slots: for each slot it would cost more than the
work."""


def take_hints(worker: Worker, resources: Resources, *, crew: Crew) -> Callable[[], bool]:
    """Let hints come; the answer says at any time whether every due execution is hinted to somebody."""
    intake, dispatch, settings = worker.intake, resources.dispatch, resources.settings
    if resources.kafka is None:
        dispatch.listen(Hint, intake.hint)
        return lambda: settings.uses_sqlite
    dispatch.listen(Hint, intake.offer)
    return _read_kafka(worker, resources, crew=crew)


def _read_kafka(worker: Worker, resources: Resources, *, crew: Crew) -> Callable[[], bool]:
    from distributedjob.dispatch.kafka.reader import Mouth  # noqa: PLC0415 - where Kafka is set only

    kafka, intake = resources.kafka, worker.intake
    assert kafka is not None
    mouth = Mouth(
        take=intake.receive,
        appetite=lambda: intake.appetite,
        wanted=lambda: not worker.slots.cordoned,
        bite=-(-worker.slots.total // BITES),
    )
    readers = [kafka.reader(queue, mouth=mouth) for queue in resources.settings.queues]
    for reader in readers:
        intake.on_room(reader.feed)
        crew.take(_read(reader, worker, kafka), name="kafka_reader", close=reader.close)
    return kafka.flow(readers)


async def _read(reader: "HintReader", worker: Worker, kafka: "Kafka") -> None:
    """Read for as long as the session takes work; what then waits for a slot is hinted to the others."""
    try:
        await reader.run()
    finally:
        kafka.publisher.carry(worker.intake.forget_hints())
