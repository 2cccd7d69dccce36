"""From an empty folder to ready: schema, keys, first administrator and all. And the start after that.

The floor is an interpreter that only imports the libraries of the edge and the store.
"""

import subprocess
import sys
import time
from statistics import median

from bench.database import open_sqlite
from bench.program import open_program
from bench.report import Figure, at_most
from bench.settings import Mode
from bench.sink import Sink

LIBRARIES = "import fastapi, sqlalchemy, uvicorn"


def measure(mode: Mode, _sink: Sink) -> list[Figure]:
    first: list[float] = []
    again: list[float] = []
    floor: list[float] = []
    for _ in range(mode.starts):
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", LIBRARIES], check=True, timeout=60)
        floor.append(time.monotonic() - began)
        with open_sqlite() as database:
            for times in (first, again):
                with open_program(database) as program:
                    times.append(program.ready_seconds)
    return [
        Figure("cold start to ready, empty folder", median(first), "s", at_most(2), median(floor)),
        Figure("cold start to ready, existing data", median(again), "s", at_most(2), median(floor)),
    ]
