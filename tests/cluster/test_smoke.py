"""The campaign's short form, in every test run: twenty faults on a cluster with everything. The full one is
`make cluster-faults`."""

from pathlib import Path

import pytest

from cluster import report
from cluster.deck import smoke
from cluster.leg import run_leg
from cluster.shape import FULL


@pytest.mark.timeout(600)
async def test_nothing_is_lost_doubled_or_stuck_when_any_part_of_a_cluster_fails(tmp_path: Path) -> None:
    leg = smoke(shape=FULL)
    outcome = await run_leg(leg, folder=tmp_path)
    figures = report.figures_of(leg, outcome)
    report.write(figures, tmp_path)
    assert figures.faults == figures.planned >= 20
    assert figures.is_clean, "\n".join(report.lines_of(figures))
