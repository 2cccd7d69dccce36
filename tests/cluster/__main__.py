"""`python -m cluster [--faults 150] [--seed 1] [--leg NAME] [--shape NAME]`; exit 1 when something was found.

Without --leg it is the campaign: leg by leg, each kept in a folder of its own. Ended and started again it goes on after
the last whole leg; `--fresh` begins anew.
"""

import argparse
import asyncio
import shutil
import sys
import time
from pathlib import Path

from cluster import report
from cluster.deck import campaign, deaths, smoke
from cluster.leg import Leg, run_leg
from cluster.report import Figures
from cluster.shape import SHAPES
from rig.node import REPOSITORY, SOURCE

FOLDER = REPOSITORY / "build" / "cluster"
LEGS = {"smoke": smoke, "deaths": deaths}


def main() -> int:
    options = _options()
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
        done = report.read(folder / f"leg-{number:02}")
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


def _run(leg: Leg, folder: Path, source: Path) -> Figures:
    """Run it and print what came of it. What an ended run left behind goes first."""
    shutil.rmtree(folder, ignore_errors=True)
    outcome = asyncio.run(run_leg(leg, folder=folder, source=source))
    figures = report.figures_of(leg, outcome)
    report.keep(outcome.evidence, folder)
    report.write(figures, folder)
    print("\n".join([*report.lines_of(figures), f"  everything is in {folder.relative_to(REPOSITORY)}"]), flush=True)
    return figures


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="cluster", description="Harm a cluster in every way; check its books.")
    parser.add_argument("--faults", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--legs", type=int, help="run so many legs of the campaign and stop")
    parser.add_argument("--fresh", action="store_true", help="forget the legs that were run")
    parser.add_argument("--leg", choices=LEGS, help="one leg of its own instead of the campaign")
    parser.add_argument("--shape", choices=SHAPES, default="pull", help="of that leg")
    parser.add_argument("--source", type=Path, default=SOURCE, help="the folder that holds the package")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
