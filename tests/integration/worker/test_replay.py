"""What past sessions could not write is written for them, once, under their own names."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from distributedjob.model.errors import Unavailable
from distributedjob.model.execution import Claimed, State
from distributedjob.services.rescue import rescue
from distributedjob.services.results import Result
from distributedjob.store.runs import list_running
from distributedjob.store.tables import attempt, node
from distributedjob.telemetry.events import Events
from distributedjob.worker.journal import Journal
from distributedjob.worker.replay import replay_journals
from support.cut_store import CutStore
from support.office import ME, OTHER, Office, open_office, result_of_claim


@pytest.fixture
async def office(sqlite_url: str) -> AsyncIterator[Office]:
    office = await open_office(sqlite_url)
    await office.add_node(ME)
    yield office
    await office.store.close()


async def claimed(office: Office) -> Claimed:
    run = await office.run_by_hand(await office.add_task())
    (claim,) = await office.claim((run.id, 0))
    return claim


def leave(directory: Path, *results: Result, session: int = ME) -> None:
    """The journal of a session that is over."""
    journal = Journal(directory, session=session)
    journal.append(results)
    journal.close()


async def replay(office: Office, directory: Path) -> list[str]:
    """Replay; returns the files that are left."""
    await replay_journals(office.desk, directory, events=Events())
    return [path.name for path in directory.glob("journal-*")]


async def test_a_journaled_result_ends_its_execution_and_its_session(office: Office, tmp_path: Path) -> None:
    claim = await claimed(office)
    leave(tmp_path, result_of_claim(claim))
    left = await replay(office, tmp_path)
    (session,) = await office.all_of(node)
    assert (left, await office.state(claim.id), session.ended_at) == ([], State.SUCCEEDED, office.now)


async def test_more_results_than_fit_into_one_transaction_are_all_written(office: Office, tmp_path: Path) -> None:
    task_id = await office.add_task()
    runs = [await office.run_by_hand(task_id) for _ in range(450)]
    claims = await office.claim(*((run.id, 0) for run in runs))
    leave(tmp_path, *(result_of_claim(claim) for claim in claims))
    await replay(office, tmp_path)
    assert {State(row.state) for row in await office.rows()} == {State.SUCCEEDED}


async def test_a_result_that_was_written_before_the_crash_is_no_late_one(office: Office, tmp_path: Path) -> None:
    claim = await claimed(office)
    await office.finish(result_of_claim(claim))
    leave(tmp_path, result_of_claim(claim))
    await replay(office, tmp_path)
    assert (await office.state(claim.id), await office.all_of(attempt)) == (State.SUCCEEDED, [])


async def test_what_was_rescued_meanwhile_and_not_claimed_again_is_ended(office: Office, tmp_path: Path) -> None:
    claim = await claimed(office)
    await office.desk.write(lambda tx: rescue(tx, list_running(tx.connection, [claim.id])))
    leave(tmp_path, result_of_claim(claim))
    await replay(office, tmp_path)
    assert await office.state(claim.id) is State.SUCCEEDED


async def test_what_was_claimed_again_meanwhile_goes_on(office: Office, tmp_path: Path) -> None:
    claim = await claimed(office)
    await office.desk.write(lambda tx: rescue(tx, list_running(tx.connection, [claim.id])))
    await office.claim((claim.id, claim.fence + 1), session=OTHER)
    leave(tmp_path, result_of_claim(claim))
    await replay(office, tmp_path)
    row = await office.row(claim.id)
    assert (row.state, row.holder, [one.evidence for one in await office.all_of(attempt)]) == (
        State.RUNNING,
        OTHER,
        [0, 1],
    )


async def test_a_database_that_goes_away_in_between_leaves_the_file_for_the_next_try(
    office: Office, tmp_path: Path
) -> None:
    claim = await claimed(office)
    leave(tmp_path, result_of_claim(claim))
    store = office.store
    office.reopen(CutStore(store, away=True))
    with pytest.raises(Unavailable):
        await replay(office, tmp_path)
    office.reopen(store)
    assert (await replay(office, tmp_path), await office.state(claim.id)) == ([], State.SUCCEEDED)


async def test_a_result_the_database_refuses_keeps_no_program_from_starting(office: Office, tmp_path: Path) -> None:
    first, second = await claimed(office), await claimed(office)
    leave(tmp_path, result_of_claim(first, flags=None), result_of_claim(second))
    assert (await replay(office, tmp_path), await office.state(second.id)) == ([], State.SUCCEEDED)


async def test_a_file_that_only_looks_like_a_journal_is_left_alone(office: Office, tmp_path: Path) -> None:
    (tmp_path / "journal-copy.jsonl").write_text("not ours\n")
    assert await replay(office, tmp_path) == ["journal-copy.jsonl"]


async def test_the_journal_of_a_living_session_is_left_alone(office: Office, tmp_path: Path) -> None:
    claim = await claimed(office)
    living = Journal(tmp_path, session=ME)
    living.append([result_of_claim(claim)])
    await replay(office, tmp_path)
    assert await office.state(claim.id) is State.RUNNING
    living.close()
