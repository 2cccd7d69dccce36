"""From an empty folder to ready: schema, keys, first administrator and all. And the start after that."""

from statistics import median

from bench.database import open_sqlite
from bench.program import open_program
from bench.report import Figure, at_most
from bench.settings import Mode
from bench.sink import Sink


def measure(mode: Mode, _sink: Sink) -> list[Figure]:
    first: list[float] = []
    again: list[float] = []
    for _ in range(mode.starts):
        with open_sqlite() as database:
            for times in (first, again):
                with open_program(database) as program:
                    times.append(program.ready_seconds)
    return [
        Figure("cold start to ready, empty folder", median(first), "s", at_most(2)),
        Figure("cold start to ready, existing data", median(again), "s", at_most(2)),
    ]
