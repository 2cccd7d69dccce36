"""What well-known schedulers do with fixed times of day when the clocks jump, by name."""

from dataclasses import dataclass
from enum import StrEnum

from distributedjob.model.schedule import GapRule, RepeatRule


class DstPreset(StrEnum):
    DEBIAN_CRON = "debian_cron"
    AWS_EVENTBRIDGE = "aws_eventbridge"
    TEMPORAL = "temporal"


@dataclass(frozen=True, slots=True)
class DstHabit:
    gap: GapRule
    repeat: RepeatRule


def habit_of(preset: DstPreset) -> DstHabit:
    """The rules behind a preset; `debian_cron` is the default of every schedule."""
    match preset:
        case DstPreset.DEBIAN_CRON:
            return DstHabit(GapRule.RUN_AT_TRANSITION, RepeatRule.FIRST)
        case DstPreset.AWS_EVENTBRIDGE:
            return DstHabit(GapRule.SKIP, RepeatRule.FIRST)
        case DstPreset.TEMPORAL:
            return DstHabit(GapRule.SKIP, RepeatRule.BOTH)
