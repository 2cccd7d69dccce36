"""Whatever happens to executions in whatever order: only moves of the one table, and nobody is forgotten.

A trigger of the database notes every change of a state, so no statement can be overlooked.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Connection, update

from distributedjob.model.execution import TRANSITIONS, Claimed, Reason, State
from distributedjob.model.instant import HOUR, SECOND
from distributedjob.model.policies import Delivery, Overlap, Policies, RetryPolicy
from distributedjob.model.stop import Scope, Stop
from distributedjob.rules.stops import NO_STOPS, Stops
from distributedjob.scheduler.expirer import CancelWatch, Expirer
from distributedjob.scheduler.gates import GateRounds
from distributedjob.services.batch import Slots
from distributedjob.services.ending import cancel
from distributedjob.services.rescue import rescue
from distributedjob.store.runs import list_lost
from distributedjob.store.tables import gate_entry, schedule
from support.office import ME, NOON, OTHER, Office, every, open_office, result_of_claim

STEPS = 200
POLICIES = (
    Policies(),
    Policies(delivery=Delivery.AT_MOST_ONCE, retry=RetryPolicy(max_attempts=2)),
    Policies(overlap=Overlap.SKIP),
    Policies(overlap=Overlap.WAIT, retry=RetryPolicy(max_attempts=1)),
    Policies(overlap=Overlap.REPLACE),
    Policies(max_parallel=2),
)
RESULTS: tuple[dict[str, object], ...] = (
    {},
    {"state": State.FAILED, "reason": Reason.NOT_RETRYABLE},
    {"state": State.TIMED_OUT, "reason": Reason.ATTEMPT_TIMEOUT},
    {"state": State.UNKNOWN, "reason": Reason.ANSWER_LOST},
    {"state": State.CANCELLED, "reason": Reason.ASKED},
    {"state": State.PENDING, "reason": Reason.RETRY},
    {"state": State.PENDING, "reason": Reason.RELEASED, "given_back": 1},
)


def watch(connection: Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE moved (before INTEGER, after INTEGER, fence_before INT, fence_after INT)")
    connection.exec_driver_sql(
        "CREATE TRIGGER born AFTER INSERT ON execution BEGIN "
        "INSERT INTO moved VALUES (NULL, new.state, 0, new.fence); END"
    )
    connection.exec_driver_sql(
        "CREATE TRIGGER changed AFTER UPDATE ON execution BEGIN "
        "INSERT INTO moved VALUES (old.state, new.state, old.fence, new.fence); END"
    )


class World:
    """Tasks of every kind, two workers, and chance."""

    def __init__(self, office: Office, seed: int) -> None:
        self.office = office
        self.chance = Random(seed)
        self.claims: list[tuple[Claimed, int]] = []
        self.tasks: list[int] = []
        self.watch = CancelWatch(desk=office.desk, grace_micros=0)

    async def begin(self) -> None:
        for number, policies in enumerate(POLICIES):
            one = every(5, id_=1 + number)
            self.tasks.append(await self.office.add_task(one, policies=policies))
        for session in (ME, OTHER):
            await self.office.add_node(session)

    async def step(self) -> None:
        moves = (self.fire, self.by_hand, self.claim, self.claim, self.finish, self.finish, self.finish_again)
        others = (self.cancel, self.lose, self.expire, self.visit, self.watch_cancels, self.mark, self.stop_or_lift)
        await self.chance.choice((*moves, *moves, *others))()
        self.office.now += self.chance.choice((0, SECOND, 5 * SECOND))

    async def ids(self, *states: State) -> list[int]:
        return [row.id for row in await self.office.rows() if row.state in states]

    async def any_of(self, *states: State) -> int | None:
        found = await self.ids(*states)
        return self.chance.choice(found) if found else None

    async def fire(self) -> None:
        slots = self.chance.choice((0, 2))
        recorded = await self.office.record(
            *range(1, 1 + len(POLICIES)), slots=Slots(ME, frozenset({"default"}), slots)
        )
        self.claims += [(claim, ME) for claim in recorded.claimed]

    async def by_hand(self) -> None:
        await self.office.run_by_hand(self.chance.choice(self.tasks))

    async def claim(self) -> None:
        id_ = await self.any_of(State.PENDING)
        if id_ is not None:
            session = self.chance.choice((ME, OTHER))
            row = await self.office.row(id_)
            self.claims += [(claim, session) for claim in await self.office.claim((id_, row.fence), session=session)]

    async def mark(self) -> None:
        if self.claims:
            claim, session = self.chance.choice(self.claims)
            hot = self.office.store.hot
            await self.office.store.write(lambda c: hot.mark(c, [(claim.id, session, claim.fence)]))

    async def finish(self) -> None:
        if self.claims:
            claim, session = self.claims.pop(self.chance.randrange(len(self.claims)))
            await self._finish(claim, session)

    async def finish_again(self) -> None:
        """A second word on a claim, late or not, as a journal brings it."""
        if self.claims:
            await self._finish(*self.chance.choice(self.claims))

    async def _finish(self, claim: Claimed, session: int) -> None:
        change = dict(self.chance.choice(RESULTS))
        if change.get("state") is State.PENDING:
            change["not_before"] = self.office.now
        await self.office.finish(result_of_claim(claim, session=session, now=self.office.now, **change))

    async def cancel(self) -> None:
        id_ = await self.any_of(*State)
        if id_ is not None:
            await self.office.desk.write(lambda tx: cancel(tx, [id_]))

    async def lose(self) -> None:
        """One worker is gone; another of its name takes its place later."""
        session = self.chance.choice((ME, OTHER))
        await self.office.end_node(session)
        lost = await self.office.store.read(lambda c: list_lost(c, limit=100))
        await self.office.desk.write(lambda tx: rescue(tx, lost))
        await self.office.store.write(
            lambda c: c.exec_driver_sql(f"DELETE FROM node WHERE session = {session}").close()
        )
        await self.office.add_node(session)

    async def expire(self) -> None:
        if self.chance.random() < 0.2:
            self.office.now += HOUR
        await Expirer(desk=self.office.desk).run_once()

    async def visit(self) -> None:
        await GateRounds(desk=self.office.desk).run_once()

    async def watch_cancels(self) -> None:
        await self.watch.run_once()

    async def stop_or_lift(self) -> None:
        stop = Stop(1, Scope.CLUSTER, "", "chance", "me", self.office.now, None)
        self.office.desk.board.present = self.chance.choice((NO_STOPS, NO_STOPS, Stops([stop])))

    async def settle(self) -> None:
        """No more fires; everything that is open is brought to its end."""
        await self.office.store.write(lambda c: c.execute(update(schedule).values(next_fire_at=None)))
        await self.lose()
        await self.lose()
        for _ in range(400):
            open_ = await self.ids(State.PENDING, State.BLOCKED, State.RUNNING)
            if not open_:
                return
            self.office.now += SECOND
            rows = [await self.office.row(id_) for id_ in open_]
            held = [row for row in rows if row.state == State.RUNNING]
            for row in held:
                await self.office.desk.write(lambda tx, id_=row.id: cancel(tx, [id_]))
                await self.watch_cancels()
            for claim in await self.office.claim(*((row.id, row.fence) for row in rows)):
                await self.office.finish(result_of_claim(claim))
            await Expirer(desk=self.office.desk).run_once()
            await self.visit()


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    office = await open_office(f"sqlite:///{tmp_path / 'data.db'}")
    await office.store.write(watch)
    yield office
    await office.store.close()


async def lived(office: Office, seed: int) -> World:
    world = World(office, seed)
    await world.begin()
    for _ in range(STEPS):
        await world.step()
    return world


async def moves(office: Office) -> list[tuple[State | None, State, int, int]]:
    rows = await office.store.read(lambda c: list(c.exec_driver_sql("SELECT * FROM moved")))
    return [(None if row[0] is None else State(row[0]), State(row[1]), row[2], row[3]) for row in rows]


@pytest.mark.parametrize("seed", range(3))
async def test_states_move_only_as_the_table_says(office: Office, seed: int) -> None:
    await lived(office, seed)
    made = {(before, after) for before, after, _, _ in await moves(office) if before is not after}
    assert made <= set(TRANSITIONS)


@pytest.mark.parametrize("seed", range(2))
async def test_fences_never_fall(office: Office, seed: int) -> None:
    await lived(office, seed)
    assert [move for move in await moves(office) if move[3] < move[2]] == []


@pytest.mark.parametrize("seed", range(3))
async def test_a_gate_knows_exactly_who_is_unfinished(office: Office, seed: int) -> None:
    world = await lived(office, seed)
    gated = [task for task, policies in zip(world.tasks, POLICIES, strict=True) if policies.gated]
    unfinished = {row.id for row in await office.rows() if row.task_id in gated and row.state < State.SUCCEEDED}
    blocked = {row.id for row in await office.rows() if row.state == State.BLOCKED}
    entries = await office.all_of(gate_entry)
    assert {entry.execution_id for entry in entries} == unfinished
    assert {entry.execution_id for entry in entries if entry.waiting} == blocked


@pytest.mark.parametrize("seed", range(3))
async def test_never_more_run_at_once_than_a_gate_allows(office: Office, seed: int) -> None:
    world = World(office, seed)
    await world.begin()
    for _ in range(STEPS):
        await world.step()
        entries = await office.all_of(gate_entry)
        for task, policies in zip(world.tasks, POLICIES, strict=True):
            inside = [entry for entry in entries if entry.task_id == task and not entry.waiting]
            assert not policies.gated or len(inside) <= policies.parallel_limit


@pytest.mark.parametrize("seed", range(3))
async def test_everything_comes_to_an_end(office: Office, seed: int) -> None:
    world = await lived(office, seed)
    async with asyncio.timeout(60):
        await world.settle()
    assert await world.ids(State.PENDING, State.BLOCKED, State.RUNNING) == []
    assert await office.all_of(gate_entry) == []


@pytest.mark.parametrize("seed", range(2))
async def test_every_fire_of_every_schedule_has_one_row(office: Office, seed: int) -> None:
    world = await lived(office, seed)
    await world.fire()
    for source in range(1, 1 + len(POLICIES)):
        rows = [row for row in await office.rows() if row.source_id == source]
        decided = [
            instant for row in rows for instant in range(row.fire_at, (row.range_end or row.fire_at) + 1, 5 * SECOND)
        ]
        assert decided == list(range(NOON, max(decided) + 1, 5 * SECOND))
