"""The broken builds of this campaign, and the legs that must catch them: `Leg: <name> on sqlite|mariadb`."""

from pathlib import Path

from faults.leg import run_leg
from faults.legs import LEGS
from faults.report import Report
from rig.broken import BrokenBuild, read_broken_builds

BUILDS = read_broken_builds(Path(__file__).parent / "broken")


def leg_and_database(build: BrokenBuild) -> tuple[str, str]:
    leg, _, database = build.leg.partition(" on ")
    return leg, database


async def try_to_catch(build: BrokenBuild, *, folder: Path, database_url: str | None) -> Report:
    """Run the leg that the build names against it, in `folder`. Raises DoesNotApply."""
    name, _ = leg_and_database(build)
    leg = LEGS[name](database_url)
    outcome = await run_leg(leg, folder=folder / "leg", source=build.build(folder))
    return Report.of(f"{build.name} in leg {leg.name}", outcome, planned=leg.planned)
