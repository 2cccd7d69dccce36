"""A task: a named definition of what to call, when, and by which policies.

Each save makes a numbered, immutable revision; an execution keeps the revision it was recorded with.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from distributedjob.model.instant import Instant
from distributedjob.model.policies import Policies
from distributedjob.model.schedule import Schedule
from distributedjob.model.target import Target

DEFAULT_QUEUE = "default"
SHARDS = 64


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """What one revision says. `parameters` are offered to templates as `params.…`."""

    name: str
    target: Target
    fallback: Target | None = None
    schedules: tuple[Schedule, ...] = ()
    policies: Policies = field(default_factory=Policies)
    enabled: bool = True
    queue: str = DEFAULT_QUEUE
    description: str = ""
    tags: tuple[str, ...] = ()
    parameters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task:
    """A task as it stands: its current revision and where its schedules are."""

    id: int
    department_id: int
    revision: int
    definition: TaskDefinition
    created_at: Instant
    updated_at: Instant
    updated_by: str
    next_fires: Mapping[int, Instant | None]


@dataclass(frozen=True, slots=True)
class Revision:
    task_id: int
    number: int
    definition: TaskDefinition
    created_at: Instant
    created_by: str


def shard_of(task_id: int) -> int:
    """The shard of a task: a fixed mix of its id, so that neighbours spread."""
    return ((task_id * 0x9E3779B97F4A7C15) >> 32) % SHARDS
