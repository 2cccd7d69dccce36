"""Two schedulers that both think they own every shard: no fire is lost, none is doubled, whoever comes first."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest

from distributedjob.model.execution import State
from distributedjob.model.instant import SECOND
from distributedjob.model.policies import Overlap, Policies
from distributedjob.services.batch import Slots
from distributedjob.store.open import open_store, parse_url
from distributedjob.store.tables import gate_entry
from support.office import ME, NOON, OTHER, Office, every

SCHEDULES = tuple(range(1, 21))


@pytest.fixture
async def second(office: Office, module_database_url: str) -> AsyncIterator[Office]:
    """Another node on the same database, with connections and ids of its own; on SQLite it shares the one writer."""
    if module_database_url.startswith("sqlite"):
        yield Office(office.store, ids=itertools.count(900_000).__next__)
        return
    other = Office(open_store(parse_url(module_database_url)), ids=itertools.count(900_000).__next__)
    yield other
    await other.store.close()


async def both_record(first: Office, second: Office, *, passes: int) -> None:
    """Both record the same schedules at once, second by second."""
    for _ in range(passes):
        await asyncio.gather(
            first.record(*SCHEDULES, slots=Slots(ME, frozenset({"default"}), 5)),
            second.record(*reversed(SCHEDULES), slots=Slots(OTHER, frozenset({"default"}), 5)),
        )
        first.now += SECOND
        second.now = first.now


async def test_every_fire_is_recorded_once(office: Office, second: Office) -> None:
    await office.add_task(*(every(1, id_=id_) for id_ in SCHEDULES))
    await both_record(office, second, passes=5)
    fires = [(row.source_id, row.fire_at) for row in await office.rows()]
    expected = [(id_, NOON + n * SECOND) for n in range(5) for id_ in SCHEDULES]
    assert sorted(fires) == sorted(expected)


async def test_a_gate_holds_against_both(office: Office, second: Office) -> None:
    await office.add_task(*(every(1, id_=id_) for id_ in SCHEDULES), policies=Policies(overlap=Overlap.WAIT))
    await both_record(office, second, passes=3)
    entries = await office.all_of(gate_entry)
    assert sorted(entry.waiting for entry in entries) == [False, True]


async def test_what_both_claim_one_gets(office: Office, second: Office) -> None:
    task_id = await office.add_task()
    runs = [await office.run_by_hand(task_id) for _ in range(40)]
    hints = [(run.id, 0) for run in runs]
    mine, theirs = await asyncio.gather(office.claim(*hints, session=ME), second.claim(*reversed(hints), session=OTHER))
    claimed = [claim.id for claim in (*mine, *theirs)]
    assert (len(claimed), len(set(claimed))) == (40, 40)
    assert {State(row.state) for row in await office.rows()} == {State.RUNNING}


async def test_what_both_pull_one_gets(office: Office, second: Office) -> None:
    task_id = await office.add_task()
    for _ in range(40):
        await office.run_by_hand(task_id)

    async def pull(node: Office, session: int) -> list[int]:
        claims = await node.desk.write(
            lambda tx: tx.hot.pull(
                tx.connection, queue="default", session=session, due_before=tx.now, now=tx.now, limit=25
            )
        )
        return [claim.id for claim in claims]

    mine, theirs = await asyncio.gather(pull(office, ME), pull(second, OTHER))
    assert set(mine).isdisjoint(theirs)
    assert len(mine) + len(theirs) == 40
