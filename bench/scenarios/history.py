"""A month of history must cost nothing: lists stay quick, recording and claiming cost what they do on an empty table.

The cost is this process's CPU time on SQLite, which runs inside it, and elapsed time on MariaDB, of batches taken in
turns on the full and on the empty table.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from statistics import median

import httpx2
from sqlalchemy import make_url

from bench.arrivals import percentile
from bench.cycle import Cycle
from bench.database import Database, open_mariadb, open_sqlite
from bench.load import FIRST_TASK, every_second, insert
from bench.past import write_history
from bench.program import open_program
from bench.report import Figure, at_most
from bench.schema import prepare_schema, store_url
from bench.settings import Mode
from bench.sink import Sink
from bench.trial import OpenDatabase, now
from distributedjob.model.instant import DAY, SECOND, Instant
from distributedjob.store.open import open_store
from distributedjob.store.port import Store

BATCH = 200
WARM_BATCHES = 120
"""Both tables first grow by this much, so that on both each task's newest index entries have a page of their own: on a
table of a few hundred rows they share one, which no table in use does."""
DEEP = 40
"""Pages followed by cursor."""
WITHIN = 1.1


def measure(mode: Mode, _sink: Sink) -> list[Figure]:
    figures = _measure(open_sqlite, clock=time.process_time, mode=mode)
    if mode.history_on_mariadb:
        figures += _measure(open_mariadb, clock=time.perf_counter, mode=mode)
    return figures


def _measure(open_database: OpenDatabase, *, clock: Callable[[], float], mode: Mode) -> list[Figure]:
    first_at = now() // SECOND * SECOND + DAY
    with _prepared(open_database, first_at) as empty, _prepared(open_database, first_at) as full:
        write_history(full, rows=mode.history_rows, tasks=BATCH, until=now())
        costs = asyncio.run(_costs(full, empty, first_at=first_at, rounds=mode.batches, clock=clock))
        pages = _pages(full, requests=mode.pages)
    where = f"{mode.history_rows:,} rows, {full.name}"
    kinds = {kind: percentile(times, 99) for kind, times in pages.items()}
    shown = ", ".join(f"{kind} {value:.0f}" for kind, value in kinds.items())
    return [
        Figure(f"list page p99, slowest kind, {where}", max(kinds.values()), "ms", at_most(100), note=shown),
        *(
            Figure(f"{step} against an empty table, {where}", ratio, "times", at_most(WITHIN), note=note)
            for step, (ratio, note) in costs.items()
        ),
    ]


@contextlib.contextmanager
def _prepared(open_database: OpenDatabase, first_at: Instant) -> Iterator[Database]:
    """A database with the schedules of one batch, due tomorrow at the earliest."""
    with open_database() as database:
        prepare_schema(database)
        insert(every_second(BATCH, first_at=first_at), sink_url="http://127.0.0.1:1/t/", into=database)
        yield database


async def _costs(
    full: Database, empty: Database, *, first_at: Instant, rounds: int, clock: Callable[[], float]
) -> dict[str, tuple[float, str]]:
    """Per step: the ratio full to empty, and both in µs per execution."""
    stores = [open_store(make_url(store_url(database))) for database in (full, empty)]
    cycles = [_cycle(store, first_at) for store in stores]
    spent: dict[str, tuple[list[float], list[float]]] = {step: ([], []) for step in ("record", "claim", "finish")}
    try:
        for turn in range(rounds + WARM_BATCHES):
            # Who goes first changes each turn: the second finds warmer caches.
            for side in (0, 1) if turn % 2 else (1, 0):
                for step in spent:
                    cost = await _cost_of(getattr(cycles[side], step), clock)
                    if turn >= WARM_BATCHES:
                        spent[step][side].append(cost)
    finally:
        for store in stores:
            await store.close()
    return {step: _compared(*sides) for step, sides in spent.items()}


def _cycle(store: Store, first_at: Instant) -> Cycle:
    return Cycle(store, schedules=range(BATCH), first_at=first_at, node=1)


async def _cost_of(step: Callable[[], Awaitable[None]], clock: Callable[[], float]) -> float:
    began = clock()
    await step()
    return (clock() - began) / BATCH * 1e6


def _compared(full: list[float], empty: list[float]) -> tuple[float, str]:
    """The median of the ratios turn by turn, since both batches of a turn meet the same state of the machine."""
    ratio = median(a / b for a, b in zip(full, empty, strict=True))
    return ratio, f"{median(full):.1f} against {median(empty):.1f} µs per execution"


def _pages(database: Database, *, requests: int) -> dict[str, list[float]]:
    """Sorted times in ms of each kind of list, over the API."""
    with open_program(database) as program, program.client() as client:
        task = {"task_id": str(FIRST_TASK + 17)}
        kinds: dict[str, list[dict[str, str]]] = {
            "newest": [{}],
            "by task": [task],
            "failed": [{"state": "failed"}],
            "failed of a task": [task | {"state": "failed"}],
            "running": [{"state": "running"}],
            "deep pages": _deep(client),
        }
        return {kind: sorted(_timed(client, queries, requests)) for kind, queries in kinds.items()}


def _timed(client: httpx2.Client, queries: list[dict[str, str]], requests: int) -> Iterator[float]:
    for number in range(requests):
        began = time.perf_counter()
        client.get("/v1/executions", params=queries[number % len(queries)]).raise_for_status()
        yield (time.perf_counter() - began) * 1_000


def _deep(client: httpx2.Client) -> list[dict[str, str]]:
    """The queries of pages far from the first."""
    queries: list[dict[str, str]] = []
    query: dict[str, str] = {"limit": "200"}
    for _ in range(DEEP):
        answer = client.get("/v1/executions", params=query).raise_for_status().json()
        query = {"limit": "200", "cursor": answer["next_cursor"]}
        queries.append(query)
    return queries[DEEP // 2 :]
