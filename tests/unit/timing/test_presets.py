import pytest

from distributedjob.model.schedule import CronTiming
from distributedjob.model.schedule import GapRule as Gap
from distributedjob.model.schedule import RepeatRule as Repeat
from distributedjob.timing.presets import DstHabit, DstPreset, habit_of


@pytest.mark.parametrize(
    ("preset", "habit"),
    [
        (DstPreset.DEBIAN_CRON, DstHabit(Gap.RUN_AT_TRANSITION, Repeat.FIRST)),
        (DstPreset.AWS_EVENTBRIDGE, DstHabit(Gap.SKIP, Repeat.FIRST)),
        (DstPreset.TEMPORAL, DstHabit(Gap.SKIP, Repeat.BOTH)),
    ],
)
def test_a_preset_names_the_habit_of_a_scheduler(preset, habit):
    assert habit_of(preset) == habit


def test_debian_cron_is_the_default():
    timing = CronTiming("0 0 * * *")
    assert habit_of(DstPreset.DEBIAN_CRON) == DstHabit(timing.dst_gap, timing.dst_repeat)
