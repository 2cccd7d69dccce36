"""What a cluster is made of in one leg."""

from dataclasses import dataclass

SCHEDULER, WORKER = "scheduler", "worker"
QUEUES = ("default", "side")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Schedulers serve the API too. The first scheduler and the first worker have wall clocks that can be set."""

    name: str
    schedulers: int = 2
    workers: int = 2
    etcd: bool = False
    kafka: bool = False
    redis: bool = False
    owned_twice: bool = False
    """Every scheduler takes itself for the owner of every shard, so that they meet at each fire."""

    @property
    def nodes(self) -> tuple[tuple[str, str], ...]:
        """(name, role) of each node."""
        schedulers = [(f"scheduler-{number}", SCHEDULER) for number in range(1, self.schedulers + 1)]
        workers = [(f"worker-{number}", WORKER) for number in range(1, self.workers + 1)]
        return (*schedulers, *workers)

    def queues_of(self, name: str) -> tuple[str, ...]:
        """Two workers serve both queues, so that either may die; further ones the first alone."""
        return QUEUES if name in {"worker-1", "worker-2"} else QUEUES[:1]


PULL = Shape(name="pull")
TWICE = Shape(name="owned twice", owned_twice=True)
KAFKA = Shape(name="kafka", kafka=True)
FULL = Shape(name="full", workers=3, etcd=True, kafka=True, redis=True)
SHAPES = {shape.name: shape for shape in (PULL, TWICE, KAFKA, FULL)}
