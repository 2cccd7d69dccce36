"""The node that leads watches the queues, and says which of them nobody serves."""

from collections.abc import AsyncIterator

import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from distributedjob.roles.scheduler import SHOWN_QUEUES, show_queues
from distributedjob.scheduler.queues import QueueWatch
from distributedjob.services.queues import Queue
from distributedjob.telemetry.events import Events
from distributedjob.telemetry.metrics import Metrics
from support.office import Leader, Office, open_office


@pytest.fixture
async def office(sqlite_url: str) -> AsyncIterator[Office]:
    office = await open_office(sqlite_url)
    yield office
    await office.store.close()


def gauge(metrics: Metrics, name: str) -> dict[str, float]:
    families = text_string_to_metric_families(metrics.render().decode())
    samples = next(family.samples for family in families if family.name == f"distributedjob_{name}")
    return {sample.labels["queue"]: sample.value for sample in samples}


def queue(name: str, *, workers: int = 1) -> Queue:
    return Queue(name, workers, 0, tasks=1, pending=7, more_than=False, oldest_at=None, stopped=False)


async def test_a_queue_in_use_without_a_worker_is_shown_and_told(office: Office) -> None:
    await office.add_task()
    metrics, leader = Metrics(), Leader()
    watch = QueueWatch(
        desk=office.desk, membership=leader, events=Events(), show=lambda found: show_queues(metrics, found)
    )
    with capture_logs() as lines:
        await watch.run_once()
    assert [(line["event"], line["queue"]) for line in lines] == [("no living worker serves this queue", "default")]
    assert gauge(metrics, "queue_without_worker") == {"default": 1.0}
    leader.leads = False
    await watch.run_once()
    assert gauge(metrics, "queue_without_worker") == {}


def test_of_too_many_queues_those_that_nobody_serves_are_shown() -> None:
    metrics = Metrics()
    show_queues(metrics, [*(queue(f"a{n:03}") for n in range(SHOWN_QUEUES)), queue("z", workers=0)])
    shown = gauge(metrics, "queue_without_worker")
    assert (len(shown), shown["z"], gauge(metrics, "queue_pending")["z"]) == (SHOWN_QUEUES, 1.0, 7.0)
