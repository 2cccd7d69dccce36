"""docs/cron.md is true: its examples are accepted, and its presets are those of the code."""

import re
from pathlib import Path

import pytest

from distributedjob.timing.cron import parse_cron
from distributedjob.timing.presets import DstPreset, habit_of

PAGE = (Path(__file__).parents[3] / "docs" / "cron.md").read_text()
EXAMPLES = PAGE.partition("| expression | fires |")[2].partition("\n\n")[0]
PRESETS = PAGE.partition("| `dst_preset` |")[2].partition("\n\n")[0]


@pytest.mark.parametrize("expression", re.findall(r"^\| `([^`]+)`", EXAMPLES, flags=re.MULTILINE))
def test_an_example_of_the_reference_is_accepted(expression):
    assert parse_cron(expression).text == expression


@pytest.mark.parametrize("preset", DstPreset)
def test_the_reference_tells_what_a_preset_sets(preset):
    habit = habit_of(preset)

    assert re.search(rf"^\| `{preset}`.* \| `{habit.gap}` \| `{habit.repeat}` \|$", PRESETS, flags=re.MULTILINE)
