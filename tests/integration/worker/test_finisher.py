"""Results reach the database once, whatever happens to it in between, and the journal holds what it has not taken."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from distributedjob.model.execution import State
from distributedjob.services.results import Result
from distributedjob.store.tables import attempt, failure, output
from distributedjob.telemetry.events import Events
from distributedjob.worker.finisher import Finisher
from distributedjob.worker.journal import Journal, read_results
from support.cut_store import CutStore
from support.office import ME, Office, open_office, result_of_claim
from support.waiting import until


class HeldJournal(Journal):
    """A journal whose clearing can be made to take its time."""

    def __init__(self, directory: Path, *, session: int) -> None:
        super().__init__(directory, session=session)
        self.may_clear = threading.Event()
        self.may_clear.set()

    def clear(self) -> None:
        assert self.may_clear.wait(10)
        super().clear()


@dataclass
class Rig:
    """A finisher at work over a store that can be cut off."""

    office: Office
    door: CutStore
    journal: HeldJournal
    finisher: Finisher
    written: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.task = asyncio.create_task(self.finisher.run())

    async def stop(self) -> None:
        """As a node stops it: cancelled, whatever it was waiting for."""
        assert self.task is not None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    @property
    def journaled(self) -> list[int]:
        return [result.row.id for result in read_results(self.journal.path)]

    async def claims(self, count: int) -> list[Result]:
        task_id = await self.office.add_task()
        rows = [await self.office.run_by_hand(task_id) for _ in range(count)]
        claims = await self.office.claim(*((row.id, 0) for row in rows))
        return [result_of_claim(claim) for claim in claims]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[HeldJournal]:
    journal = HeldJournal(tmp_path, session=ME)
    yield journal
    journal.close()


@pytest.fixture(params=[1, 2], ids=["one writer", "two writers"])
async def rig(sqlite_url: str, journal: HeldJournal, request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    office = await open_office(sqlite_url)
    door = CutStore(office.store)
    office.reopen(door)
    rig = Rig(office, door, journal, finisher=None)  # type: ignore[arg-type]
    rig.finisher = Finisher(
        desk=office.desk,
        journal=journal,
        events=Events(),
        on_written=lambda results, _written, _seconds: rig.written.extend(result.row.id for result in results),
        on_refused=lambda result: rig.refused.append(result.row.id),
        writers=request.param,
    )
    rig.start()
    yield rig
    await rig.stop()
    await door.close()


async def test_a_result_ends_its_execution(rig: Rig) -> None:
    (result,) = await rig.claims(1)
    rig.finisher.add(result)
    await rig.finisher.flushed()
    assert (await rig.office.state(result.row.id), rig.written) == (State.SUCCEEDED, [result.row.id])


async def test_while_the_database_is_away_every_result_is_journaled(rig: Rig) -> None:
    results = await rig.claims(5)
    rig.door.away = True
    for result in results:
        rig.finisher.add(result)
        await asyncio.sleep(0)
    await until(lambda: sorted(rig.journaled) == sorted(result.row.id for result in results))


async def test_what_a_silent_database_has_not_taken_when_the_node_stops_is_journaled(rig: Rig) -> None:
    results = await rig.claims(3)
    rig.door.silent = True
    for result in results:
        rig.finisher.add(result)
    await until(lambda: rig.door.tries >= 1)
    await rig.stop()
    assert sorted(rig.journaled) == sorted(result.row.id for result in results)


async def test_what_is_written_when_the_node_stops_is_not_journaled(rig: Rig) -> None:
    (result,) = await rig.claims(1)
    rig.finisher.add(result)
    await rig.finisher.flushed()
    await rig.stop()
    assert rig.journal.size == 0


async def test_results_that_come_between_two_tries_are_journaled_at_once(rig: Rig) -> None:
    first, *others = await rig.claims(3)
    rig.door.away = True
    rig.finisher.add(first)
    await until(lambda: rig.door.tries >= 4)  # the pause between tries is most of a second by now
    tries = rig.door.tries
    for result in others:
        rig.finisher.add(result)
    await until(lambda: len(rig.journaled) == 3)
    assert rig.door.tries <= tries + 2


async def test_when_the_database_is_back_all_is_written_and_the_journal_is_empty(rig: Rig) -> None:
    results = await rig.claims(20)
    rig.door.away = True
    for result in results:
        rig.finisher.add(result)
    await until(lambda: len(rig.journaled) == 20)
    rig.door.away = False
    await rig.finisher.flushed()
    states = {await rig.office.state(result.row.id) for result in results}
    await until(lambda: rig.journal.size == 0)
    assert (states, sorted(rig.written)) == ({State.SUCCEEDED}, sorted(result.row.id for result in results))


async def test_what_is_journaled_while_the_journal_is_being_cleared_stays(rig: Rig) -> None:
    first, second = await rig.claims(2)
    rig.door.away = True
    rig.finisher.add(first)
    await until(lambda: rig.journaled == [first.row.id])
    rig.journal.may_clear.clear()
    rig.door.away = False
    await until(lambda: rig.written == [first.row.id])
    rig.door.away = True
    rig.finisher.add(second)
    await asyncio.sleep(0)
    rig.journal.may_clear.set()
    await until(lambda: rig.journaled == [second.row.id])


async def test_a_write_whose_answer_was_lost_is_counted_once(rig: Rig) -> None:
    (result,) = await rig.claims(1)
    rig.door.answers_lost = True
    rig.finisher.add(result)
    await until(lambda: rig.door.tries >= 3)
    rig.door.answers_lost = False
    await rig.finisher.flushed()
    traces = (len(await rig.office.all_of(output)), len(await rig.office.all_of(attempt)))
    assert (await rig.office.state(result.row.id), traces) == (State.SUCCEEDED, (1, 0))


async def test_a_result_the_database_refuses_holds_up_no_other(rig: Rig) -> None:
    poisoned, *others = await rig.claims(3)
    unstorable = poisoned._replace(output=poisoned.output._replace(status=None))  # type: ignore[union-attr]
    for result in (unstorable, *others):
        rig.finisher.add(result)
    await rig.finisher.flushed()
    assert {await rig.office.state(result.row.id) for result in others} == {State.SUCCEEDED}


async def test_a_refused_answer_still_ends_its_execution(rig: Rig) -> None:
    (result,) = await rig.claims(1)
    failed = result._replace(row=result.row._replace(state=State.FAILED, reason="not_retryable"))
    rig.finisher.add(failed._replace(output=failed.output._replace(status=None)))  # type: ignore[union-attr]
    await rig.finisher.flushed()
    (row,) = await rig.office.all_of(failure)
    assert (await rig.office.state(result.row.id), "refused" in row.message) == (State.FAILED, True)


async def test_a_result_that_is_refused_in_every_shape_is_handed_to_whoever_ends_it(rig: Rig) -> None:
    (result,) = await rig.claims(1)
    rig.finisher.add(result._replace(row=result.row._replace(flags=None)))  # type: ignore[arg-type]
    await rig.finisher.flushed()
    assert (rig.refused, await rig.office.state(result.row.id)) == ([result.row.id], State.RUNNING)


async def test_a_disk_that_refuses_loses_nothing_that_memory_holds(rig: Rig) -> None:
    (result,) = await rig.claims(1)
    rig.journal.close()
    rig.door.away = True
    rig.finisher.add(result)
    await until(lambda: rig.door.tries >= 2)
    rig.door.away = False
    await rig.finisher.flushed()
    assert await rig.office.state(result.row.id) is State.SUCCEEDED
