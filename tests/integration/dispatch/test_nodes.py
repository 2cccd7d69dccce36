"""Nodes of the real program, roles apart, on one MariaDB and one Kafka."""

import time

import pytest

from distributedjob.store import schema
from support.http_target import HttpTarget
from support.kafka_post import fresh_prefix, until_within
from support.program import Program, StartProgram

FIRES = 3


@pytest.fixture
async def settings(mariadb_url: str, kafka_servers: tuple[str, ...]) -> dict[str, str]:
    await schema.upgrade(mariadb_url)
    return {
        "DISTRIBUTEDJOB_DATABASE_URL": mariadb_url,
        "DISTRIBUTEDJOB_ALLOW_PRIVATE_TARGETS": "true",
        "DISTRIBUTEDJOB_KAFKA_SERVERS": f'["{kafka_servers[0]}"]',
        "DISTRIBUTEDJOB_KAFKA_PREFIX": fresh_prefix(),
        "DISTRIBUTEDJOB_KAFKA_PARTITIONS": "4",
    }


def metric(program: Program, name: str) -> float:
    with program.client() as client:
        text = client.get("/metrics").raise_for_status().text
    lines = [line for line in text.splitlines() if line.startswith(f"distributedjob_{name} ")]
    return float(lines[0].split()[1]) if lines else 0.0


async def test_fires_of_one_node_are_run_by_another_through_kafka(
    start_program: StartProgram, settings: dict[str, str], http_target: HttpTarget
) -> None:
    scheduler = start_program(name="scheduler", settings={**settings, "DISTRIBUTEDJOB_ROLES": '["api","scheduler"]'})
    worker = start_program(name="worker", settings={**settings, "DISTRIBUTEDJOB_ROLES": '["api","worker"]'})
    task = {
        "name": "tick",
        "target": {"kind": "http", "method": "POST", "url": http_target.url("/run")},
        "schedules": [{"kind": "interval", "every_seconds": 1}],
    }
    with scheduler.client() as client:
        client.post("/v1/tasks", json=task).raise_for_status()
    await until_within(30, lambda: len(http_target.requests) >= FIRES)  # the target lives in this loop
    published, received = metric(scheduler, "hints_published_total"), metric(worker, "hints_received_total")
    assert min(published, received) >= 1
    began = time.monotonic()
    assert (worker.terminate(), scheduler.terminate()) == (0, 0)
    assert time.monotonic() - began < 10
    assert "error" not in scheduler.log_text() + worker.log_text()
