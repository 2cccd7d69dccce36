"""The short form of the campaign on MariaDB, in every test run. The full one is `make faults`."""

from pathlib import Path

import pytest

from faults.leg import run_leg
from faults.legs import smoke
from faults.report import Report


@pytest.mark.timeout(180)
async def test_nothing_is_lost_doubled_or_stuck_when_two_nodes_on_one_database_die_in_turn(
    tmp_path: Path, mariadb_url: str
) -> None:
    leg = smoke(database_url=mariadb_url)
    outcome = await run_leg(leg, folder=tmp_path)
    report = Report.of(leg.name, outcome, planned=leg.planned)
    assert report.done == report.planned
    assert report.is_clean, "\n".join(report.lines())
