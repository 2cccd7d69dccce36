"""Several nodes of the real program on one MariaDB, roles apart, with Kafka or etcd between them where asked."""

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.database import SERVICES, Database
from bench.meter import Usage
from bench.program import Program

START_SECONDS = 900
"""The first start on a machine installs packages."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which nodes there are. `slots` are each worker's."""

    schedulers: int = 1
    workers: int = 1
    slots: int = 256
    kafka: bool = False
    etcd: bool = False

    @property
    def way(self) -> str:
        """How work comes to the workers."""
        return "Kafka" if self.kafka else "pull"


class Cluster:
    """The first scheduler also serves the API."""

    def __init__(self, database: Database, layout: Layout) -> None:
        beside = _neighbours(database, layout)
        self.schedulers = [
            _node(database, f"scheduler-{n}", beside, roles=["scheduler"] if n else ["api", "scheduler"])
            for n in range(layout.schedulers)
        ]
        self.workers = [
            _node(database, f"worker-{n}", {**beside, "SLOTS": str(layout.slots)}, roles=["worker"])
            for n in range(layout.workers)
        ]

    @property
    def nodes(self) -> list[Program]:
        return [*self.schedulers, *self.workers]

    def start(self) -> None:
        """Start all at once, and wait until all are ready."""
        began = time.monotonic()
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.wait_until_ready(began)

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def usage(self) -> Usage:
        parts = [node.usage() for node in self.nodes]
        return Usage(parts[0].at, sum(part.cpu_seconds for part in parts), sum(part.resident_mb for part in parts))


@contextlib.contextmanager
def open_cluster(database: Database, *, layout: Layout) -> Iterator[Cluster]:
    """All nodes started, and stopped at the end."""
    cluster = Cluster(database, layout)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def start_services(*names: str) -> None:
    """Bring up servers of this checkout before anything is timed."""
    subprocess.run([SERVICES, "up", *names], check=True, stdout=subprocess.DEVNULL, timeout=START_SECONDS)


def server_pid(name: str) -> int:
    """The process of a server that `scripts/services` started."""
    return int((SERVICES.parent.parent / ".services" / name / "pid").read_text())


def _node(database: Database, name: str, settings: dict[str, str], *, roles: list[str]) -> Program:
    return Program(database, name=name, settings={**settings, "ROLES": json.dumps(roles)})


def _neighbours(database: Database, layout: Layout) -> dict[str, str]:
    """Every cluster under a prefix of its own, as its database has a name of its own."""
    name = database.folder.name
    settings = {}
    if layout.kafka:
        settings |= {"KAFKA_SERVERS": _addresses("kafka"), "KAFKA_PREFIX": f"bench-{name}"}
    if layout.etcd:
        settings |= {"ETCD_ENDPOINTS": _addresses("etcd"), "ETCD_PREFIX": f"bench-{name}"}
    return settings


def _addresses(name: str) -> str:
    url = subprocess.run([SERVICES, "url", name], check=True, capture_output=True, text=True).stdout.strip()
    return json.dumps(url.split(","))
