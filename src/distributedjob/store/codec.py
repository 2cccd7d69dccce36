"""Definitions as stored documents: JSON of the model's own dataclasses.

Rows written by version N are read by N−1: unknown fields are ignored, absent ones take the model's default.
The two structs stand between because a schedule's timing is a union, which is told apart by `kind`.
"""

from datetime import timedelta
from functools import lru_cache
from typing import Any

import msgspec

from distributedjob.model.instant import Instant
from distributedjob.model.policies import MisfirePolicy, Policies
from distributedjob.model.schedule import CronTiming, IntervalTiming, OnceTiming, Schedule, Timing
from distributedjob.model.target import Target
from distributedjob.model.task import DEFAULT_QUEUE, TaskDefinition

TIMINGS: dict[str, type[Timing]] = {"cron": CronTiming, "interval": IntervalTiming, "once": OnceTiming}
KINDS: dict[type[Timing], str] = {timing: kind for kind, timing in TIMINGS.items()}


class _Schedule(msgspec.Struct, omit_defaults=True):
    id: int
    kind: str
    timing: Any
    seed: int
    key: str | None = None
    enabled: bool = True
    start_at: Instant | None = None
    end_at: Instant | None = None
    max_fires: int | None = None
    jitter: timedelta = timedelta(0)
    misfire: MisfirePolicy | None = None


class _Definition(msgspec.Struct, omit_defaults=True):
    name: str
    target: Target
    fallback: Target | None = None
    schedules: list[_Schedule] = []
    policies: Policies = msgspec.field(default_factory=Policies)
    enabled: bool = True
    queue: str = DEFAULT_QUEUE
    description: str = ""
    tags: tuple[str, ...] = ()
    parameters: dict[str, Any] = {}


def encode_definition(definition: TaskDefinition) -> str:
    fields = {name: getattr(definition, name) for name in _Definition.__struct_fields__}
    fields["schedules"] = [_stored(schedule) for schedule in definition.schedules]
    return msgspec.json.encode(_Definition(**fields)).decode()


def decode_definition(text: str) -> TaskDefinition:
    stored = msgspec.json.decode(text, type=_Definition)
    fields = {name: getattr(stored, name) for name in _Definition.__struct_fields__}
    fields["schedules"] = tuple(_schedule(schedule) for schedule in stored.schedules)
    return TaskDefinition(**fields)


def encode_schedule(schedule: Schedule) -> str:
    return msgspec.json.encode(_stored(schedule)).decode()


@lru_cache(maxsize=50_000)
def decode_schedule(text: str) -> Schedule:
    """Cached by text: thousands of fires a second read the same few thousand definitions."""
    return _schedule(msgspec.json.decode(text, type=_Schedule))


def _stored(schedule: Schedule) -> _Schedule:
    fields = {name: getattr(schedule, name) for name in _Schedule.__struct_fields__ if name != "kind"}
    return _Schedule(kind=KINDS[type(schedule.timing)], **fields)


def _schedule(stored: _Schedule) -> Schedule:
    fields = {name: getattr(stored, name) for name in _Schedule.__struct_fields__ if name != "kind"}
    fields["timing"] = msgspec.convert(stored.timing, TIMINGS[stored.kind])
    return Schedule(**fields)
