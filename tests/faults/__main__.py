"""`python -m faults [--kills 40] [--database sqlite|mariadb|mysql|both] [--seed n] [--leg name]`; exit 1 on a fault."""

import argparse
import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.broken import BUILDS, leg_and_database, try_to_catch
from faults.leg import Leg, run_leg
from faults.legs import LEGS, campaign, smoke
from faults.report import Report
from rig.node import REPOSITORY, SOURCE
from support.servers import open_database, start_server

FOLDER = REPOSITORY / "build" / "faults"
DATABASES = ("sqlite", "mariadb")


def main() -> int:
    options = _options()
    if options.leg == "broken":
        return int(not _all_broken_builds_are_caught())
    chosen = DATABASES if options.database == "both" else (options.database,)
    clean = [_run_clean(options, database) for database in chosen]
    return int(not all(clean))


def _run_clean(options: argparse.Namespace, database: str) -> bool:
    """Run the leg on one database and print what came of it; whether nothing was found."""
    folder = _folder(f"{options.leg}-{database}-{options.seed}")
    with _open_url(database) as url:
        leg = _leg(options, url)
        outcome = asyncio.run(run_leg(leg, folder=folder, source=options.source))
    report = Report.of(f"{leg.name} on {database}", outcome, planned=leg.planned)
    report.write(folder)
    print("\n".join([*report.lines(), f"  everything is in {folder.relative_to(REPOSITORY)}"]), flush=True)
    return report.is_clean


def _all_broken_builds_are_caught() -> bool:
    missed = 0
    for build in BUILDS:
        _, database = leg_and_database(build)
        with _open_url(database) as url:
            report = asyncio.run(try_to_catch(build, folder=_folder(f"broken-{build.name}"), database_url=url))
        caught = build.is_caught_by(report.verdict)
        missed += not caught
        print("\n".join([f"{build.name}: {'caught' if caught else 'NOT CAUGHT'}", *report.lines()]), flush=True)
    return not missed


def _folder(name: str) -> Path:
    return FOLDER / f"{name}-{time.strftime('%H%M%S')}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="faults", description="Kill, freeze and cut off the program; check its books."
    )
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--database", choices=(*DATABASES, "mysql", "both"), default="both")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--leg", choices=("campaign", "smoke", "broken", *LEGS), default="campaign")
    parser.add_argument("--source", type=Path, default=SOURCE, help="the folder that holds the package")
    return parser.parse_args()


def _leg(options: argparse.Namespace, url: str | None) -> Leg:
    match options.leg:
        case "campaign":
            return campaign(kills=options.kills, database_url=url, seed=options.seed)
        case "smoke":
            return smoke(database_url=url, seed=options.seed)
        case name:
            return LEGS[name](url)


@contextlib.contextmanager
def _open_url(database: str) -> Iterator[str | None]:
    if database == "sqlite":
        yield None
        return
    try:
        server = start_server(database)
    except pytest.skip.Exception as missing:
        sys.exit(str(missing))
    with open_database(server) as name:
        yield server.url(name)


if __name__ == "__main__":
    sys.exit(main())
