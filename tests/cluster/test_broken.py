"""Deliberately broken builds of a cluster: every patch applies, and two quick legs catch what they must.

The others take minutes; `make cluster-faults` runs them all.
"""

from pathlib import Path

import pytest

from cluster.broken import BUILDS, LEGS, try_to_catch
from cluster.report import lines_of
from rig.broken import BrokenBuild

QUICK = [build for build in BUILDS if build.leg in {"twice", "crowded gates"}]
MUST_BE_CAUGHT = {
    "dead_by_wall_clock",
    "no_rescue",
    "claims_never_reconciled",
    "no_start_mark",
    "rows_read_before_lock",
    "offsets_only",
    "counter_apart",
}


def test_every_promised_fault_has_its_patch_and_its_leg() -> None:
    assert {build.name for build in BUILDS} == MUST_BE_CAUGHT
    assert {build.leg for build in BUILDS} == LEGS.keys()


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.name)
def test_a_patch_still_applies(build: BrokenBuild, tmp_path: Path) -> None:
    assert (build.build(tmp_path) / "distributedjob" / "__init__.py").exists()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("build", QUICK, ids=lambda build: build.name)
async def test_a_broken_build_is_caught(build: BrokenBuild, tmp_path: Path) -> None:
    figures = await try_to_catch(build, folder=tmp_path)
    assert build.is_caught_by(figures), "\n".join(lines_of(figures))
