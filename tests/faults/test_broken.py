"""Deliberately broken builds: every patch applies, and the quick leg catches what it must.

The builds that need deaths and freezes take minutes; `make faults` runs those too.
"""

from pathlib import Path

import pytest

from faults.broken import BUILDS, leg_and_database, try_to_catch
from rig.broken import BrokenBuild

QUICK = [build for build in BUILDS if leg_and_database(build)[0] == "answers"]
MUST_BE_CAUGHT = {
    "cursor_before_rows",
    "rows_before_cursor",
    "result_without_fence",
    "hint_only",
    "transport_resends",
    "retry_after_end",
    "any_answer_succeeds",
}


def test_every_promised_fault_has_its_patch() -> None:
    assert {build.name for build in BUILDS} == MUST_BE_CAUGHT


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.name)
def test_a_patch_still_applies(build: BrokenBuild, tmp_path: Path) -> None:
    assert (build.build(tmp_path) / "distributedjob" / "__init__.py").exists()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("build", QUICK, ids=lambda build: build.name)
async def test_a_broken_build_is_caught(build: BrokenBuild, tmp_path: Path) -> None:
    report = await try_to_catch(build, folder=tmp_path, database_url=None)
    assert build.is_caught_by(report.verdict), "\n".join(report.lines())
