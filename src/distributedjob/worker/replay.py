"""Journals of sessions that are over: what they could not write while the database was away is written now."""

from collections import deque
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from distributedjob.model.errors import Unavailable
from distributedjob.services.desk import Desk
from distributedjob.services.finishing import write_results
from distributedjob.services.results import Result, take_batch
from distributedjob.store import nodes
from distributedjob.telemetry.events import Events
from distributedjob.worker.journal import find_orphans, read_results, session_of

BATCH = 200


async def replay_journals(desk: Desk, directory: Path, *, events: Events) -> None:
    """Write what past sessions left, under their own names, end those sessions, and forget the files.

    Raises Unavailable; what was written by then is found to be so by the next try.
    """
    for path in find_orphans(directory):
        session = session_of(path)
        if session is None:
            continue
        waiting = deque(read_results(path))
        found, counted = len(waiting), 0
        while waiting:
            counted += await _replay(desk, take_batch(waiting, limit=BATCH), events=events)
        await desk.store.write(partial(nodes.end_session, session=session, now=desk.clock()))
        path.unlink()
        if found:
            events.journal_replayed(file=path.name, counted=counted, late=found - counted)


async def _replay(desk: Desk, results: Sequence[Result], *, events: Events) -> int:
    """How many counted. One that the database refuses must not keep the program from starting."""
    try:
        written = await desk.write(partial(write_results, results=results))
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - tried one by one, then by its bare facts, then given up
        if len(results) > 1:
            return sum([await _replay(desk, [result], events=events) for result in results])
        (result,) = results
        if result.bare:
            events.result_refused(error, execution_id=result.row.id)
            return 0
        events.output_refused(error, execution_id=result.row.id)
        return await _replay(desk, [result.stripped()], events=events)
    return len(written.states)
