"""Each deliberately broken build is caught by the leg that it names, for the reason that it names."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.broken import BrokenBuild, read_broken_builds
from faults.leg import run_leg
from faults.legs import LEGS
from faults.report import Report
from support.servers import open_database, start_server

BUILDS = read_broken_builds()
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


@pytest.mark.timeout(300)
@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.name)
async def test_a_broken_build_is_caught(build: BrokenBuild, tmp_path: Path) -> None:
    with _open_url(build.database) as url:
        leg = LEGS[build.leg](url)
        outcome = await run_leg(leg, folder=tmp_path / "leg", source=build.build(tmp_path))
    report = Report.of(leg.name, outcome, planned=leg.planned)
    assert report.verdict.count(*build.kinds) > 0, "\n".join(report.lines())


@contextlib.contextmanager
def _open_url(database: str) -> Iterator[str | None]:
    if database == "sqlite":
        yield None
        return
    server = start_server(database)
    with open_database(server) as name:
        yield server.url(name)
