"""How long and how often each scenario measures. Two sizes: everything with repeats, and quick for every day."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mode:
    """Seconds are of measured time; a scenario adds its start and its warm-up."""

    name: str
    sustained_seconds: int
    """What the best rung of the ladder must hold for."""
    probe_seconds: int
    """How long each rung is tried on the way."""
    rungs: tuple[int, ...]
    """Executions per second that the ladder tries."""
    cluster_seconds: int
    """How long more fires come than several nodes can do."""
    lateness_seconds: int
    repeats: int
    idle_tasks: int
    idle_seconds: int
    history_rows: int
    history_on_mariadb: bool
    pages: int
    """Requests per kind of list."""
    batches: int
    starts: int


FULL = Mode(
    name="full",
    sustained_seconds=60,
    probe_seconds=10,
    rungs=(500, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000),
    cluster_seconds=8,
    lateness_seconds=20,
    repeats=3,
    idle_tasks=1_000_000,
    idle_seconds=30,
    history_rows=10_000_000,
    history_on_mariadb=True,
    pages=300,
    batches=400,
    starts=5,
)
QUICK = Mode(
    name="quick",
    sustained_seconds=6,
    probe_seconds=6,
    rungs=(1_000, 3_000, 5_000),
    cluster_seconds=4,
    lateness_seconds=6,
    repeats=1,
    idle_tasks=250_000,
    idle_seconds=8,
    history_rows=500_000,
    history_on_mariadb=False,
    pages=60,
    batches=100,
    starts=2,
)
