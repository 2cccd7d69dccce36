"""Which settings of a topic lose hints."""

import pytest

from distributedjob.dispatch.kafka.topics import judge

FINE = {"cleanup.policy": "delete", "retention.ms": "600000", "max.message.bytes": "1048588"}


@pytest.mark.parametrize(
    "change",
    [{}, {"retention.ms": "-1"}, {"retention.ms": "60000"}, {"max.message.bytes": "4096"}, {"cleanup.policy": None}],
)
def test_what_keeps_hints_for_a_minute_is_fine(change):
    assert judge({**FINE, **change}) == []


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("cleanup.policy", "compact"),
        ("cleanup.policy", "compact,delete"),
        ("retention.ms", "59999"),
        ("max.message.bytes", "4095"),
    ],
)
def test_what_loses_hints_is_named(setting, value):
    (unfit,) = judge({**FINE, setting: value})
    assert (unfit.setting, unfit.value) == (setting, value)
    assert unfit.remedy.startswith("set it to")
