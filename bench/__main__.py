"""Run the scenarios and keep the figures: `python -m bench [--quick] [NAME …]`.

One scenario that fails does not take the others' figures along: its fault is shown, the rest is saved, the exit code
is 1. A figure that misses its target does not fail the run: a bench measures, tests judge.
"""

import argparse
import importlib
import os
import signal
import sys
import time
import traceback

from bench.database import open_folder
from bench.report import Figure, save, table
from bench.settings import FULL, QUICK, Mode
from bench.sink import Sink, open_sink

SCENARIOS = (
    "cold_start",
    "lateness",
    "herd",
    "sustained",
    "cluster",
    "failover",
    "batching",
    "next_fire",
    "idle",
    "history",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="at most 4 minutes")
    parser.add_argument("scenarios", nargs="*", metavar="NAME", help=f"some of {', '.join(SCENARIOS)}; default all")
    arguments = parser.parse_args()
    if unknown := set(arguments.scenarios) - set(SCENARIOS):
        parser.error(f"no scenario {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}")
    # Ended from outside, a run still stops its children and drops its database: an exit unwinds, a signal does not.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    mode = QUICK if arguments.quick else FULL
    chosen = [name for name in SCENARIOS if not arguments.scenarios or name in arguments.scenarios]
    return _run(chosen, mode)


def _run(names: list[str], mode: Mode) -> int:
    began, busy = time.monotonic(), os.getloadavg()[0]
    figures: list[Figure] = []
    failed: list[str] = []
    with open_folder() as folder, open_sink(folder) as sink:
        for name in names:
            try:
                figures += _measure(name, mode, sink)
            except Exception:  # noqa: BLE001 - whatever it is, the other figures are worth keeping
                failed.append(name)
                _say(f"{name} failed:\n{traceback.format_exc()}")
    seconds = time.monotonic() - began
    _say(save(figures, mode=mode.name, seconds=seconds, busy=busy) if names == list(SCENARIOS) else table(figures))
    _say(f"{seconds:.0f} s" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


def _measure(name: str, mode: Mode, sink: Sink) -> list[Figure]:
    began = time.monotonic()
    figures: list[Figure] = importlib.import_module(f"bench.scenarios.{name}").measure(mode, sink)
    _say(f"{name}: {time.monotonic() - began:.0f} s")
    return figures


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
