"""Schedules in JSON, told apart by `kind`."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from distributedjob.api.rest.wire.base import (
    Id,
    InstantText,
    ShownInstant,
    Whole,
    maybe_instant,
    shown_instant,
    to_id,
    to_instant,
)
from distributedjob.api.rest.wire.policies import DAY, MisfireFields, misfire_fields
from distributedjob.model.errors import Invalid
from distributedjob.model.instant import Instant
from distributedjob.model.policies import MisfirePolicy
from distributedjob.model.schedule import (
    CronDialect,
    CronTiming,
    GapRule,
    IntervalFrom,
    IntervalTiming,
    OnceTiming,
    RepeatRule,
    Schedule,
    Timing,
)
from distributedjob.services.drafts import NEW, ScheduleDraft
from distributedjob.timing.cron import split_zone_prefix
from distributedjob.timing.presets import DstPreset, habit_of

TEN_YEARS = 3653 * DAY
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]


class _ScheduleIn(MisfireFields):
    id: Id | None = None
    key: Key | None = None
    enabled: bool = True
    start_at: InstantText | None = None
    end_at: InstantText | None = None
    max_fires: Whole | None = Field(default=None, ge=1, le=10**12)
    jitter_seconds: float = Field(default=0.0, ge=0, le=DAY, allow_inf_nan=False)

    def draft(self, *, misfire: MisfirePolicy, path: str) -> ScheduleDraft:
        """`misfire` is the task's rule, which fills what this schedule leaves out; `path` is where it stands."""
        wanted = Schedule(
            id=NEW if self.id is None else to_id(self.id),
            timing=self._timing(path),
            seed=0,
            key=self.key,
            enabled=self.enabled,
            start_at=maybe_instant(self.start_at),
            end_at=maybe_instant(self.end_at),
            max_fires=self.max_fires,
            jitter=timedelta(seconds=self.jitter_seconds),
            misfire=self.misfire_over(misfire),
        )
        return ScheduleDraft(wanted, self._is_anchored())

    def _timing(self, path: str) -> Timing:
        raise NotImplementedError

    def _is_anchored(self) -> bool:
        return True


class CronIn(_ScheduleIn):
    kind: Literal["cron"]
    expression: str = Field(min_length=1, max_length=255, examples=["*/5 * * * *", "0 0 2 L * *", "H H * * MON-FRI"])
    dialect: Literal["unix", "quartz"] = "unix"
    time_zone: str = Field(default="UTC", min_length=1, max_length=64, examples=["Europe/Berlin"])
    dst_gap: Literal["run_at_transition", "skip", "shift_by_gap"] = "run_at_transition"
    dst_repeat: Literal["first", "second", "both"] = "first"
    dst_preset: Literal["debian_cron", "aws_eventbridge", "temporal"] | None = Field(
        default=None, exclude=True, description="dst_gap and dst_repeat as that scheduler has them, unless given"
    )

    def _timing(self, path: str) -> CronTiming:
        zone, expression = split_zone_prefix(self.expression)
        if zone is not None and "time_zone" in self.model_fields_set and zone != self.time_zone:
            message = f"the expression begins with the zone {zone}, but time_zone says {self.time_zone}; give one"
            raise Invalid.one(f"{path}.time_zone", message)
        habit = habit_of(DstPreset(self.dst_preset or DstPreset.DEBIAN_CRON))
        given = self.model_fields_set
        return CronTiming(
            expression=expression,
            dialect=CronDialect(self.dialect),
            time_zone=zone or self.time_zone,
            dst_gap=GapRule(self.dst_gap) if "dst_gap" in given else habit.gap,
            dst_repeat=RepeatRule(self.dst_repeat) if "dst_repeat" in given else habit.repeat,
        )


class IntervalIn(_ScheduleIn):
    kind: Literal["interval"]
    every_seconds: float = Field(ge=1, le=TEN_YEARS, allow_inf_nan=False)
    anchor: InstantText | None = Field(
        default=None, description="the first fire; by default the time of the first save"
    )
    interval_from: Literal["start", "end"] = Field(default="start", alias="from")

    def _timing(self, path: str) -> IntervalTiming:  # noqa: ARG002
        anchor_at = 0 if self.anchor is None else to_instant(self.anchor)
        return IntervalTiming(timedelta(seconds=self.every_seconds), anchor_at, IntervalFrom(self.interval_from))

    def _is_anchored(self) -> bool:
        return self.anchor is not None


class OnceIn(_ScheduleIn):
    kind: Literal["once"]
    at: InstantText

    def _timing(self, path: str) -> OnceTiming:  # noqa: ARG002
        return OnceTiming(to_instant(self.at))


def _schedule_kind(value: Any) -> str:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return f"<{kind}>"


_KIND = Discriminator(
    _schedule_kind,
    custom_error_type="schedule_kind",
    custom_error_message="needs a kind: cron, interval or once",
)
ScheduleIn = Annotated[
    Annotated[CronIn, Tag("<cron>")] | Annotated[IntervalIn, Tag("<interval>")] | Annotated[OnceIn, Tag("<once>")],
    _KIND,
]


class CronShown(CronIn):
    next_fire_at: ShownInstant | None


class IntervalShown(IntervalIn):
    next_fire_at: ShownInstant | None


class OnceShown(OnceIn):
    next_fire_at: ShownInstant | None


ScheduleShown = Annotated[
    Annotated[CronShown, Tag("<cron>")]
    | Annotated[IntervalShown, Tag("<interval>")]
    | Annotated[OnceShown, Tag("<once>")],
    _KIND,
]


def schedule_fields(schedule: Schedule) -> dict[str, Any]:
    """A schedule as JSON, as it may be sent back."""
    return {
        "id": str(schedule.id),
        "key": schedule.key,
        "enabled": schedule.enabled,
        "start_at": shown_instant(schedule.start_at),
        "end_at": shown_instant(schedule.end_at),
        "max_fires": schedule.max_fires,
        "jitter_seconds": schedule.jitter.total_seconds(),
        **misfire_fields(schedule.misfire),
        **_timing_fields(schedule.timing),
    }


def shown_schedule(schedule: Schedule, *, next_fire_at: Instant | None) -> CronShown | IntervalShown | OnceShown:
    fields = {**schedule_fields(schedule), "next_fire_at": shown_instant(next_fire_at)}
    match schedule.timing:
        case CronTiming():
            return CronShown.model_validate(fields)
        case IntervalTiming():
            return IntervalShown.model_validate(fields)
        case OnceTiming():
            return OnceShown.model_validate(fields)


def _timing_fields(timing: Timing) -> dict[str, Any]:
    match timing:
        case CronTiming():
            return {
                "kind": "cron",
                "expression": timing.expression,
                "dialect": timing.dialect.value,
                "time_zone": timing.time_zone,
                "dst_gap": timing.dst_gap.value,
                "dst_repeat": timing.dst_repeat.value,
            }
        case IntervalTiming():
            return {
                "kind": "interval",
                "every_seconds": timing.every.total_seconds(),
                "anchor": shown_instant(timing.anchor_at),
                "from": timing.interval_from.value,
            }
        case OnceTiming():
            return {"kind": "once", "at": shown_instant(timing.at)}
