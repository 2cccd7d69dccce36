"""What a task was meant to be, change by change, and which fires were due by that."""

from dataclasses import dataclass, field

from rig.facts import SECOND, Due, Phase, Plan
from rig.oracle import due_fires
from rig.workload import CLOCKS, Made, TaskSpec

Window = tuple[int, int]
"""Between asking and answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A task as it was saved under `revision`."""

    revision: int
    spec: TaskSpec
    enabled: bool = True


@dataclass(eq=False, slots=True)
class Edited:
    """One task with its acknowledged history; the last entry is what it is now."""

    task_id: int
    schedule_id: int
    history: list[tuple[Saved, Window]] = field(default_factory=list)

    @classmethod
    def of(cls, made: Made) -> "Edited":
        first = Saved(revision=1, spec=made.spec)
        return cls(made.task_id, made.schedule_id, [(first, (made.asked_at, made.answered_at))])

    @property
    def now(self) -> Saved:
        return self.history[-1][0]

    def save(self, saved: Saved, window: Window) -> None:
        self.history.append((saved, window))

    def plan(self) -> Plan:
        """What was due until the last change, which pauses it."""
        certain: set[int] = set()
        possible: set[int] = set()
        phases = []
        for (saved, since), (_, until) in zip(self.history, self.history[1:], strict=False):
            phases.append(Phase(revision=saved.revision, path=saved.spec.path, since=since, until=until))
            if saved.enabled:
                timing = saved.spec.timing
                certain |= due_fires(timing, after=since[1] + CLOCKS, until=until[0] - CLOCKS)
                possible |= due_fires(timing, after=since[0] - CLOCKS, until=until[1] + CLOCKS)
        spec = self.now.spec
        return Plan(
            task_id=self.task_id,
            name=spec.name,
            due=(Due(source_id=self.schedule_id, certain=frozenset(certain), possible=frozenset(possible)),),
            at_most_once=spec.delivery == "at_most_once",
            max_attempts=spec.max_attempts,
            timeout=round(spec.timeout_seconds * SECOND),
            phases=tuple(phases),
        )
