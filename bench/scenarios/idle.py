"""A million schedules of which none is due: what do they cost while nothing happens, and how long does a start take?"""

import time

from bench.database import open_sqlite
from bench.load import idle, insert
from bench.meter import cores_used
from bench.program import open_program
from bench.report import Figure, at_most
from bench.schema import prepare_schema
from bench.settings import Mode
from bench.sink import Sink
from bench.trial import now

SETTLE_SECONDS = 3


def measure(mode: Mode, sink: Sink) -> list[Figure]:
    with open_sqlite() as database:
        prepare_schema(database)
        insert(idle(mode.idle_tasks, now=now()), sink_url=sink.url, into=database)
        with open_program(database) as program:
            time.sleep(SETTLE_SECONDS)
            before = program.usage()
            time.sleep(mode.idle_seconds)
            after = program.usage()
    name = f"{mode.idle_tasks:,} idle schedules"
    return [
        Figure(f"{name}: of one core", cores_used(before, after) * 100, "%", at_most(3)),
        Figure(f"{name}: memory", after.resident_mb, "MB", at_most(400)),
        Figure(f"{name}: ready in", program.ready_seconds, "s", at_most(10)),
    ]
