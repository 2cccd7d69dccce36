"""Journals of processes that died while the database was away: their results are written now."""

from functools import partial
from pathlib import Path

from distributedjob.services.desk import Desk
from distributedjob.services.finishing import write_results
from distributedjob.store import nodes
from distributedjob.telemetry.events import Events
from distributedjob.worker.journal import find_orphans, read_results

CHUNK = 200


async def replay_journals(desk: Desk, directory: Path, *, events: Events) -> None:
    """Write what dead processes left, under their own sessions, end those sessions, and forget the files."""
    for path in find_orphans(directory):
        results = read_results(path)
        counted = late = 0
        for start in range(0, len(results), CHUNK):
            chunk = results[start : start + CHUNK]
            written = await desk.write(partial(write_results, results=chunk))
            counted, late = counted + len(written.states), late + len(written.late)
        session = int(path.stem.removeprefix("journal-"))
        await desk.store.write(partial(nodes.end_session, session=session, now=desk.clock()))
        path.unlink()
        if results:
            events.journal_replayed(file=path.name, counted=counted, late=late)
