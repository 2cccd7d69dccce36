"""Tasks and revisions in JSON."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, JsonValue

from distributedjob.api.rest.wire.base import Id, Name, Shown, ShownInstant, Wire, Word, shown_instant
from distributedjob.api.rest.wire.policies import PoliciesIn
from distributedjob.api.rest.wire.schedules import ScheduleIn, ScheduleShown, schedule_fields, shown_schedule
from distributedjob.api.rest.wire.targets import HttpTargetIn
from distributedjob.model.instant import to_rfc3339
from distributedjob.model.node import QUEUE
from distributedjob.model.task import DEFAULT_QUEUE, Revision, Task, TaskDefinition
from distributedjob.services.drafts import TaskDraft

Queue = Annotated[str, Field(pattern=QUEUE)]


class TaskIn(Wire):
    """A whole task: what is left out takes its default, also when a task is replaced."""

    name: Name
    description: str = Field(default="", max_length=4000)
    enabled: bool = True
    queue: Queue = DEFAULT_QUEUE
    tags: list[Word] = Field(default=[], max_length=32)
    target: HttpTargetIn
    fallback: HttpTargetIn | None = None
    schedules: list[ScheduleIn] = Field(default=[], max_length=100)
    policies: PoliciesIn = PoliciesIn()
    parameters: dict[str, JsonValue] = Field(default={}, max_length=1000)

    def to_draft(self) -> TaskDraft:
        policies = self.policies.to_model()
        definition = TaskDefinition(
            name=self.name,
            target=self.target.to_model(),
            fallback=None if self.fallback is None else self.fallback.to_model(),
            policies=policies,
            enabled=self.enabled,
            queue=self.queue,
            description=self.description,
            tags=tuple(self.tags),
            parameters=self.parameters,
        )
        drafts = (
            schedule.draft(misfire=policies.misfire, path=f"schedules[{place}]")
            for place, schedule in enumerate(self.schedules)
        )
        return TaskDraft(definition, tuple(drafts))


class TaskPatch(Wire):
    """A JSON merge patch (RFC 7396): objects are merged, null takes the default, lists are replaced as a whole."""

    name: Name | None = None
    description: str | None = Field(default=None, max_length=4000)
    enabled: bool | None = None
    queue: Queue | None = None
    tags: list[Word] | None = Field(default=None, max_length=32)
    target: dict[str, JsonValue] | None = None
    fallback: dict[str, JsonValue] | None = None
    schedules: list[dict[str, JsonValue]] | None = Field(default=None, max_length=100)
    policies: dict[str, JsonValue] | None = None
    parameters: dict[str, JsonValue] | None = None


class TaskShown(Shown):
    """`next_fire_at` is the earliest of its schedules; null while the task is paused. `warnings`: what keeps it from
    running although nothing is wrong with it."""

    id: Id
    name: str
    description: str
    enabled: bool
    revision: int
    department_id: Id
    queue: str
    tags: list[str]
    target: HttpTargetIn
    fallback: HttpTargetIn | None
    schedules: list[ScheduleShown]
    policies: PoliciesIn
    parameters: dict[str, JsonValue]
    next_fire_at: ShownInstant | None
    created_at: ShownInstant
    updated_at: ShownInstant
    updated_by: str
    warnings: list[str]

    @classmethod
    def of(cls, task: Task, *, warnings: Mapping[str, str]) -> "TaskShown":
        """`warnings` by the queue they concern."""
        definition = task.definition
        fires = [fire_at for fire_at in task.next_fires.values() if fire_at is not None]
        return cls(
            id=str(task.id),
            revision=task.revision,
            department_id=str(task.department_id),
            **_definition_parts(definition),
            schedules=[
                shown_schedule(schedule, next_fire_at=task.next_fires.get(schedule.id))
                for schedule in definition.schedules
            ],
            next_fire_at=shown_instant(min(fires, default=None)),
            created_at=to_rfc3339(task.created_at),
            updated_at=to_rfc3339(task.updated_at),
            updated_by=task.updated_by,
            warnings=[warnings[definition.queue]] if definition.queue in warnings else [],
        )


class RevisionShown(Shown):
    """One save of a task, as it was."""

    task_id: Id
    revision: int
    created_at: ShownInstant
    created_by: str
    definition: TaskIn

    @classmethod
    def of(cls, revision: Revision) -> "RevisionShown":
        return cls(
            task_id=str(revision.task_id),
            revision=revision.number,
            created_at=to_rfc3339(revision.created_at),
            created_by=revision.created_by,
            definition=TaskIn.model_validate(task_document(revision.definition)),
        )


def task_document(definition: TaskDefinition) -> dict[str, Any]:
    """A definition as the JSON document that would save it."""
    parts = _definition_parts(definition)
    shown = {name: part.model_dump(by_alias=True) if isinstance(part, Wire) else part for name, part in parts.items()}
    return {**shown, "schedules": [schedule_fields(schedule) for schedule in definition.schedules]}


def merged(document: Any, patch: Any) -> Any:
    """RFC 7396, with one liberty: null for a field that has a default restores the default."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _definition_parts(definition: TaskDefinition) -> dict[str, Any]:
    return {
        "name": definition.name,
        "description": definition.description,
        "enabled": definition.enabled,
        "queue": definition.queue,
        "tags": list(definition.tags),
        "target": HttpTargetIn.of(definition.target),
        "fallback": None if definition.fallback is None else HttpTargetIn.of(definition.fallback),
        "policies": PoliciesIn.of(definition.policies),
        "parameters": dict(definition.parameters),
    }
