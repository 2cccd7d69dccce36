"""`python -m faults --kills 40 --database sqlite|mariadb [--seed n] [--leg name]`: run, print, exit 1 on a fault."""

import argparse
import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from faults.leg import Leg, run_leg
from faults.legs import LEGS, campaign, smoke
from faults.node import REPOSITORY, SOURCE
from faults.report import Report
from support.servers import open_database, start_server

FOLDER = REPOSITORY / "build" / "faults"


def main() -> int:
    options = _options()
    failed = False
    for database in ("sqlite", "mariadb") if options.database == "both" else (options.database,):
        with _open_url(database) as url:
            leg = _leg(options, url)
            folder = FOLDER / f"{options.leg}-{database}-{options.seed}-{time.strftime('%H%M%S')}"
            outcome = asyncio.run(run_leg(leg, folder=folder, source=options.source))
        report = Report.of(leg.name, outcome, planned=leg.planned)
        report.write(folder)
        print("\n".join([*report.lines(), f"  everything is in {folder.relative_to(REPOSITORY)}"]), flush=True)
        failed |= not report.is_clean
    return int(failed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="faults", description="Kill, freeze and cut off the program; check its books."
    )
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--database", choices=("sqlite", "mariadb", "both"), default="both")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--leg", choices=("campaign", "smoke", *LEGS), default="campaign")
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
    server = start_server(database)
    with open_database(server) as name:
        yield server.url(name)


if __name__ == "__main__":
    sys.exit(main())
