"""How an execution is admitted, retried, timed out and delivered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum


class Delivery(StrEnum):
    AT_LEAST_ONCE = "at_least_once"
    AT_MOST_ONCE = "at_most_once"


class Overlap(StrEnum):
    """What happens to a fire that finds `max_parallel` executions of its task unfinished."""

    ALLOW = "allow"
    SKIP = "skip"
    WAIT = "wait"
    REPLACE = "replace"


class MisfireMode(StrEnum):
    """What happens to fires found later than their grace."""

    LATEST = "latest"
    SKIP = "skip"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class MisfirePolicy:
    """`max_fires` and `catchup_window` (at most 7 days) bound `all`; `max_age` bounds `latest`."""

    mode: MisfireMode = MisfireMode.LATEST
    grace: timedelta = timedelta(seconds=30)
    max_fires: int = 1_000
    catchup_window: timedelta = timedelta(hours=1)
    max_age: timedelta | None = None


class RetryVerdict(StrEnum):
    """What the retry table says of one kind of failure."""

    RETRY = "retry"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Full jitter over `base` × 2ⁿ, capped. `table` overrides the built-in table.

    Keys of `table`: an HTTP status (`"404"`), a class of them (`"5xx"`), or `not_sent`, `unclear`, `rejected`
    (the last for answers that the success rule refuses although the status is fine).
    """

    max_attempts: int = 3
    base: timedelta = timedelta(seconds=2)
    cap: timedelta = timedelta(minutes=5)
    table: Mapping[str, RetryVerdict] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies of a task; defaults are the product's defaults.

    `max_parallel` None means: unlimited with overlap `allow`, 1 with any other overlap.
    `timeout` is the total of one attempt, `execution_timeout` that of all attempts with their waits.
    `deadline` forbids starts later than this after the execution became due or was recorded.
    `priority` runs from 0 (first) to 9 (last).
    """

    delivery: Delivery = Delivery.AT_LEAST_ONCE
    overlap: Overlap = Overlap.ALLOW
    max_parallel: int | None = None
    misfire: MisfirePolicy = MisfirePolicy()
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    connect_timeout: timedelta = timedelta(seconds=5)
    timeout: timedelta = timedelta(seconds=60)
    execution_timeout: timedelta | None = None
    deadline: timedelta = timedelta(hours=1)
    max_age: timedelta | None = None
    priority: int = 5

    @property
    def gated(self) -> bool:
        """Whether executions of this task pass a gate one by one."""
        return self.overlap is not Overlap.ALLOW or self.max_parallel is not None

    @property
    def parallel_limit(self) -> int:
        return self.max_parallel or 1
