"""The tasks of a leg: what is asked of the program, and what the checker may expect of it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rig.facts import SECOND, Chain, Due, Plan
from rig.oracle import Cron, FromEnd, Interval, Timing, due_fires

CLOCKS = 50_000
"""The program's clock is the database's, the rig's is its own: fires this near to a boundary count as possible only."""
EVERY_SECOND = Cron("* * * * * *")
MIXED = "ok72-error9-hang4-close8-slow7"
SLOWLY = "ok50-slow40-error5-hang5"
ANCHOR = 1_767_225_600 * SECOND  # 2026-01-01T00:00:00Z


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """One task. `script` is the sink's; `policies` are sent as they are beside those that the fields name."""

    name: str
    timing: Timing = EVERY_SECOND
    script: str = MIXED
    method: str = "POST"
    delivery: str = "at_least_once"
    overlap: str = "allow"
    max_attempts: int = 4
    timeout_seconds: float = 2.0
    retry_base_seconds: float = 0.2
    queue: str = "default"
    tag: str = ""
    """Is added to the path that is called, so that the sink's log tells which revision a call followed."""
    policies: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/{self.script}/{self.name}{self.tag}"

    def as_request(self, *, sink_port: int) -> dict[str, Any]:
        return {
            "name": self.name,
            "queue": self.queue,
            "target": {
                "kind": "http",
                "method": self.method,
                "url": f"http://127.0.0.1:{sink_port}{self.path}",
                "body": {"kind": "text", "content": self.name},
            },
            "schedules": [_schedule(self.timing)],
            "policies": {
                "delivery": self.delivery,
                "overlap": self.overlap,
                "timeout_seconds": self.timeout_seconds,
                "retry": {"max_attempts": self.max_attempts, "base_seconds": self.retry_base_seconds, "cap_seconds": 2},
                **self.policies,
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A task that exists."""

    spec: TaskSpec
    task_id: int
    schedule_id: int
    asked_at: int
    answered_at: int

    def plan(self, disabling: tuple[int, int]) -> Plan:
        """What was due until the task was disabled, somewhere between these two instants."""
        spec = self.spec
        return Plan(
            task_id=self.task_id,
            name=spec.name,
            due=() if isinstance(spec.timing, FromEnd) else (self._due(disabling),),
            chains=(self._chain(spec.timing, disabling[0]),) if isinstance(spec.timing, FromEnd) else (),
            at_most_once=spec.delivery == "at_most_once",
            one_at_a_time=spec.overlap in {"skip", "wait"},
            max_attempts=spec.max_attempts,
            timeout=round(spec.timeout_seconds * SECOND),
        )

    def _chain(self, timing: FromEnd, disabled_at: int) -> Chain:
        return Chain(source_id=self.schedule_id, every=round(timing.every_seconds * SECOND), until=disabled_at)

    def _due(self, disabling: tuple[int, int]) -> Due:
        certain = due_fires(self.spec.timing, after=self.answered_at + CLOCKS, until=disabling[0] - CLOCKS)
        possible = due_fires(self.spec.timing, after=self.asked_at - CLOCKS, until=disabling[1] + CLOCKS)
        return Due(source_id=self.schedule_id, certain=certain, possible=possible)


def fifty_tasks() -> tuple[TaskSpec, ...]:
    """Fifty tasks once a second or nearly so: every policy whose promise a fault could break."""
    kinds: tuple[tuple[str, int, dict[str, Any]], ...] = (
        ("steady", 18, {}),
        ("put", 6, {"method": "PUT"}),
        ("once", 6, {"delivery": "at_most_once"}),
        ("skip", 5, {"overlap": "skip", "script": SLOWLY}),
        ("wait", 5, {"overlap": "wait", "script": SLOWLY}),
        ("second", 2, {"timing": Cron("*/2 * * * * *")}),
        ("ended", 2, {"timing": FromEnd(1.0)}),
    )
    plain = [TaskSpec(name=f"{name}-{n}", **changes) for name, count, changes in kinds for n in range(count)]
    spread = [
        TaskSpec(name=f"interval-{n}", timing=Interval(1.0, ANCHOR + n * 170_000), method="PUT" if n % 2 else "POST")
        for n in range(4)
    ]
    return (*plain, *spread, *_impatient())


def _impatient() -> tuple[TaskSpec, ...]:
    """A grace so short that restarts exceed it: the misfire rules decide."""
    return tuple(
        TaskSpec(name=f"impatient-{rule}", script="ok", policies={"misfire": rule, "misfire_grace_seconds": 1})
        for rule in ("latest", "all")
    )


def _schedule(timing: Timing) -> dict[str, Any]:
    match timing:
        case Cron(expression):
            return {"kind": "cron", "expression": expression}
        case Interval(every_seconds, anchor_at):
            anchor = datetime.fromtimestamp(anchor_at / SECOND, UTC).isoformat()
            return {"kind": "interval", "every_seconds": every_seconds, "anchor": anchor}
        case FromEnd(every_seconds):
            return {"kind": "interval", "every_seconds": every_seconds, "from": "end"}
