"""A revision made ready to run: targets compiled, timeouts in seconds, zones resolved. Once per revision."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from distributedjob.model.instant import SECOND, Instant, micros
from distributedjob.model.policies import Delivery, Policies
from distributedjob.model.schedule import CronTiming
from distributedjob.model.task import TaskDefinition
from distributedjob.store.revisions import RevisionId
from distributedjob.targets.render import CompiledTarget, compile_target


@dataclass(frozen=True, slots=True)
class CompiledTask:
    name: str
    policies: Policies
    main: CompiledTarget
    fallback: CompiledTarget | None
    zones: Mapping[int, tzinfo]
    """Time zones by schedule id; UTC for any other source."""
    parameters: Mapping[str, object]
    connect_seconds: float
    total_seconds: float
    limit_micros: int | None
    """All attempts with their waits, in microseconds from the first claim."""
    at_most_once: bool

    def target(self, attempt: int) -> CompiledTarget:
        """The main target, or the fallback for the attempt behind the last."""
        if attempt > self.policies.retry.max_attempts and self.fallback is not None:
            return self.fallback
        return self.main

    def seconds_left(self, *, started_at: Instant, now: Instant) -> float:
        """The total timeout of an attempt that begins now; 0 or less when the execution's own has passed."""
        if self.limit_micros is None:
            return self.total_seconds
        return min(self.total_seconds, (started_at + self.limit_micros - now) / SECOND)


def compile_task(definition: TaskDefinition) -> CompiledTask:
    policies = definition.policies
    limit = policies.execution_timeout
    return CompiledTask(
        name=definition.name,
        policies=policies,
        main=compile_target(definition.target),
        fallback=None if definition.fallback is None else compile_target(definition.fallback),
        zones={
            schedule.id: ZoneInfo(schedule.timing.time_zone) if schedule.timing.time_zone != "UTC" else UTC
            for schedule in definition.schedules
            if isinstance(schedule.timing, CronTiming)
        },
        parameters=definition.parameters,
        connect_seconds=policies.connect_timeout.total_seconds(),
        total_seconds=policies.timeout.total_seconds(),
        limit_micros=None if limit is None else micros(limit),
        at_most_once=policies.delivery is Delivery.AT_MOST_ONCE,
    )


class CompiledTasks:
    """The most recently compiled revisions; used on the event loop only."""

    def __init__(self, *, capacity: int = 20_000) -> None:
        self._capacity = capacity
        self._known: OrderedDict[RevisionId, CompiledTask] = OrderedDict()

    def get(self, revision: RevisionId, definition: TaskDefinition) -> CompiledTask:
        found = self._known.get(revision)
        if found is None:
            found = self._known[revision] = compile_task(definition)
            if len(self._known) > self._capacity:
                self._known.popitem(last=False)
        return found
