"""What batching is worth: the same record, claim and finish, one execution per transaction against 200."""

import asyncio
import time

from sqlalchemy import make_url

from bench.cycle import Cycle
from bench.database import Database, open_mariadb, open_sqlite
from bench.load import every_second, insert
from bench.report import Figure
from bench.schema import prepare_schema, store_url
from bench.settings import Mode
from bench.sink import Sink
from bench.trial import now
from distributedjob.model.instant import SECOND
from distributedjob.store.open import open_store

BATCH = 200


def measure(mode: Mode, _sink: Sink) -> list[Figure]:
    figures: list[Figure] = []
    for open_database in (open_sqlite, open_mariadb):
        with open_database() as database:
            prepare_schema(database)
            first_at = now() // SECOND * SECOND
            load = every_second(BATCH + 1, first_at=first_at)
            insert(load, sink_url="http://127.0.0.1:1/t/", into=database)
            one, many = asyncio.run(_rates(database, first_at=first_at, rounds=mode.batches))
        note = f"{many / one:.0f} times the {one:,.0f}/s of one execution per transaction"
        figures.append(Figure(f"store alone, batches of {BATCH}, {database.name}", many, "executions/s", note=note))
        figures.append(Figure(f"store alone, unbatched, {database.name}", one, "executions/s"))
    return figures


async def _rates(database: Database, *, first_at: int, rounds: int) -> tuple[float, float]:
    """Executions per second through all three steps, unbatched and batched, in turns."""
    store = open_store(make_url(store_url(database)))
    one = Cycle(store, schedules=range(BATCH, BATCH + 1), first_at=first_at, node=1)
    many = Cycle(store, schedules=range(BATCH), first_at=first_at, node=2)
    seconds = {one: 0.0, many: 0.0}
    try:
        for cycle in (one, many) * rounds:
            began = time.perf_counter()
            await cycle.record()
            await cycle.claim()
            await cycle.finish()
            seconds[cycle] += time.perf_counter() - began
    finally:
        await store.close()
    return rounds / seconds[one], rounds * BATCH / seconds[many]
