"""`python -m cluster [--faults 150] [--seed 1] [--leg NAME] [--shape NAME]`; exit 1 when something was found.

`--leg broken` runs the deliberately broken builds instead, and exits 1 when one is not caught; `--leg sound` runs
the same small legs on the program as it is.

Without --leg it is the campaign: leg by leg, each kept in a folder of its own. Ended and started again it goes on after
the last whole leg; `--fresh` begins anew.
"""

import argparse
import asyncio
import shutil
import sys
import time
from pathlib import Path

from cluster import broken, report
from cluster.deck import campaign, deaths, smoke
from cluster.leg import Leg, run_leg
from cluster.report import Figures
from cluster.shape import SHAPES
from rig.node import REPOSITORY, SOURCE

FOLDER = REPOSITORY / "build" / "cluster"
LEGS = {"smoke": smoke, "deaths": deaths}


def main() -> int:
    options = _options()
    if options.leg == "broken":
        return int(not _all_broken_builds_are_caught(options.build))
    if options.leg == "sound":
        parts = [
            _run(leg(), FOLDER / f"sound-{name.replace(' ', '-')}", options.source) for name, leg in broken.LEGS.items()
        ]
        return int(not all(part.is_clean for part in parts))
    if options.leg:
        leg = LEGS[options.leg](seed=options.seed, shape=SHAPES[options.shape])
        folder = FOLDER / f"{options.leg}-{options.shape}-{options.seed}-{time.strftime('%H%M%S')}"
        figures = _run(leg, folder, options.source)
    else:
        figures = _campaign(options)
    return int(not figures.is_clean)


def _campaign(options: argparse.Namespace) -> Figures:
    folder = FOLDER / f"campaign-{options.faults}-{options.seed}"
    if options.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    legs = campaign(faults=options.faults, seed=options.seed)
    parts, ran = [], 0
    for number, leg in enumerate(legs, 1):
        done = _judge_again(leg, folder / f"leg-{number:02}")
        if done is None:
            if options.legs is not None and ran >= options.legs:
                print(f"{len(legs) - number + 1} of {len(legs)} legs are left: start it again")
                break
            ran += 1
            done = _run(leg, folder / f"leg-{number:02}", options.source)
        parts.append(done)
    total = report.add_up(f"campaign of {len(parts)}/{len(legs)} legs, seed {options.seed}", parts)
    report.write(total, folder)
    print("\n".join([*report.lines_of(total), f"  everything is in {folder.relative_to(REPOSITORY)}"]), flush=True)
    return total


def _all_broken_builds_are_caught(name: str | None) -> bool:
    missed = 0
    for build in broken.BUILDS:
        if name in {None, build.name}:
            folder = FOLDER / f"broken-{build.name}"
            shutil.rmtree(folder, ignore_errors=True)
            figures = asyncio.run(broken.try_to_catch(build, folder=folder))
            caught = build.is_caught_by(figures)
            missed += not caught
            print("\n".join([f"{build.name}: {_CAUGHT[caught]}", *report.lines_of(figures)]), flush=True)
    return not missed


_CAUGHT = {True: "caught", False: "NOT CAUGHT"}


def _run(leg: Leg, folder: Path, source: Path) -> Figures:
    """Run it and print what came of it. What an ended run left behind goes first."""
    shutil.rmtree(folder, ignore_errors=True)
    outcome = asyncio.run(run_leg(leg, folder=folder, source=source))
    report.keep(outcome, folder)
    figures = report.figures_of(leg, outcome)
    report.write(figures, folder)
    print("\n".join([*report.lines_of(figures), f"  everything is in {folder.relative_to(REPOSITORY)}"]), flush=True)
    return figures


def _judge_again(leg: Leg, folder: Path) -> Figures | None:
    """The figures of a leg that was run before, by the checker as it is now; None when it was not."""
    kept = report.read_kept(folder)
    if kept is None:
        return None
    figures = report.figures_of(leg, kept)
    report.write(figures, folder)
    return figures


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="cluster", description="Harm a cluster in every way; check its books.")
    parser.add_argument("--faults", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--legs", type=int, help="run so many legs of the campaign and stop")
    parser.add_argument("--fresh", action="store_true", help="forget the legs that were run")
    parser.add_argument("--leg", choices=(*LEGS, "broken", "sound"), help="one leg of its own instead of the campaign")
    parser.add_argument("--build", help="of the broken builds this one alone")
    parser.add_argument("--shape", choices=SHAPES, default="pull", help="of that leg")
    parser.add_argument("--source", type=Path, default=SOURCE, help="the folder that holds the package")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
