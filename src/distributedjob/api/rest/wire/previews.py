"""Previews in JSON."""

from typing import Literal

from pydantic import Field

from distributedjob.api.rest.wire.base import InstantText, Shown, ShownInstant, Whole, Wire
from distributedjob.api.rest.wire.schedules import ScheduleIn
from distributedjob.model.instant import to_rfc3339
from distributedjob.timing.preview import Preview


class PreviewIn(Wire):
    """`after` is now if left out. A schedule with the id of a saved one takes over its seed, which `H` and jitter
    depend on."""

    schedule: ScheduleIn
    after: InstantText | None = None
    count: Whole = Field(default=10, ge=1, le=1000)
    language: Literal["en", "zh"] = "en"


class FireShown(Shown):
    """`local` is in the schedule's zone."""

    at: ShownInstant
    local: ShownInstant
    flags: list[Literal["dst_gap", "dst_repeat", "jitter", "estimate"]]


class PreviewShown(Shown):
    fires: list[FireShown]
    description: str
    warnings: list[str]

    @classmethod
    def of(cls, preview: Preview) -> "PreviewShown":
        fires = [
            FireShown.model_validate(
                {"at": to_rfc3339(fire.at), "local": fire.local_text, "flags": [flag.value for flag in fire.flags]}
            )
            for fire in preview.fires
        ]
        return cls(fires=fires, description=preview.description, warnings=list(preview.warnings))
