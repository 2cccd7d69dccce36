"""What arrived at the sink, and what it proves: how late, what is lost, what came twice.

A fire is identified by (task number, fire time). The expectation is computed from the load's own arithmetic, never
from anything the program says.
"""

import struct
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

RECORD = struct.Struct("<qqqii")
"""Arrival in ns, fire time in µs, execution id, task number, attempt."""

POLL_SECONDS = 0.1

Fire = tuple[int, int]
"""(task number, fire time in µs)."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """`arrived_at` and `fire_at` in µs since the epoch."""

    arrived_at: int
    fire_at: int
    execution_id: int
    task: int
    attempt: int

    @property
    def lateness_ms(self) -> float:
        return (self.arrived_at - self.fire_at) / 1_000


class ArrivalLog:
    """The sink's file, read from outside while it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __len__(self) -> int:
        return self._path.stat().st_size // RECORD.size if self._path.exists() else 0

    def read(self, *, since: int = 0) -> list[Arrival]:
        """All arrivals from record number `since` on."""
        with self._path.open("rb") as file:
            file.seek(since * RECORD.size)
            content = file.read()
        whole = len(content) - len(content) % RECORD.size
        return [Arrival(ns // 1_000, *rest) for ns, *rest in RECORD.iter_unpack(content[:whole])]

    def collect(self, expected: set[Fire], *, since: int, timeout_seconds: float) -> list[Arrival]:
        """Everything from record `since` on, once all `expected` fires are among it or the time is up."""
        arrivals: list[Arrival] = []
        missing = set(expected)
        deadline = time.monotonic() + timeout_seconds
        while True:
            fresh = self.read(since=since + len(arrivals))
            arrivals += fresh
            missing.difference_update((arrival.task, arrival.fire_at) for arrival in fresh)
            if not missing or time.monotonic() > deadline:
                return arrivals
            time.sleep(POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Lateness in ms over the fires of a window; `doubled` counts calls beyond the first of each fire."""

    fires: int
    lost: int
    doubled: int
    p50: float
    p99: float
    last: float

    @property
    def nothing_lost(self) -> bool:
        return self.lost == 0 and self.doubled == 0


def judge(arrivals: Iterable[Arrival], *, expected: set[Fire]) -> Verdict:
    """Hold `arrivals` against `expected`; arrivals of other fires are not looked at."""
    late: list[float] = []
    seen: Counter[Fire] = Counter()
    for arrival in arrivals:
        fire = (arrival.task, arrival.fire_at)
        if fire in expected:
            seen[fire] += 1
            if seen[fire] == 1:
                late.append(arrival.lateness_ms)
    late.sort()
    lost = len(expected) - len(seen)
    # A fire that never came is later than any that did: it counts as the worst, not as absent.
    late += [float("inf")] * lost
    return Verdict(
        fires=len(expected),
        lost=lost,
        doubled=sum(seen.values()) - len(seen),
        p50=percentile(late, 50),
        p99=percentile(late, 99),
        last=late[-1] if late else float("inf"),
    )


def percentile(ordered: list[float], percent: float) -> float:
    """The nearest-rank percentile of a sorted list; infinite for an empty one."""
    if not ordered:
        return float("inf")
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
