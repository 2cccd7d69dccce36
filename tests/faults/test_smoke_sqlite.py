"""The short form of the campaign on SQLite, in every test run. The full one is `make faults`."""

from pathlib import Path

import pytest

from faults.leg import run_leg
from faults.legs import smoke
from faults.report import Report


@pytest.mark.timeout(180)
async def test_nothing_is_lost_doubled_or_stuck_when_the_only_node_dies_again_and_again(tmp_path: Path) -> None:
    leg = smoke(database_url=None)
    outcome = await run_leg(leg, folder=tmp_path)
    report = Report.of(leg.name, outcome, planned=leg.planned)
    assert report.done == report.planned
    assert report.is_clean, "\n".join(report.lines())
