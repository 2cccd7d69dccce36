"""A desk over a real store with the time in the test's hand, and the few moves every test of the engine makes.

`office.now` is what the program takes for the time. What the program announces is kept in `office.heard`.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import Row, delete, insert, select

from distributedjob.dispatch.port import News
from distributedjob.model.execution import Claimed, Flag, Hint, Reason, State, Trigger
from distributedjob.model.identity import SYSTEM
from distributedjob.model.instant import SECOND, from_rfc3339
from distributedjob.model.policies import Policies
from distributedjob.model.schedule import IntervalTiming, Schedule
from distributedjob.model.target import HttpTarget
from distributedjob.model.task import Revision, TaskDefinition
from distributedjob.services.batch import NO_SLOTS, Recorded, Slots
from distributedjob.services.desk import Desk, Transaction
from distributedjob.services.finishing import Written, write_results
from distributedjob.services.recording import record_due, record_manual
from distributedjob.services.results import Result
from distributedjob.store import nodes, schedules, tasks
from distributedjob.store.hot.rows import ExecutionRow, OutputRow, ResultRow
from distributedjob.store.nodes import NodeRow
from distributedjob.store.open import open_store, parse_url
from distributedjob.store.port import Store
from distributedjob.store.revisions import Revisions
from distributedjob.store.schedules import Cursor
from distributedjob.store.tables import execution, installation, metadata, node
from distributedjob.store.tasks import TaskRow

T = TypeVar("T")

NOON = from_rfc3339("2027-01-15T12:00:00Z")
ME, OTHER = 77, 88
NOWHERE = HttpTarget(url="http://127.0.0.1:9/")


@dataclass
class Office:
    store: Store
    now: int = NOON
    heard: list[News] = field(default_factory=list)
    ids: Callable[[], int] = field(default_factory=lambda: itertools.count(1_000).__next__)

    def __post_init__(self) -> None:
        self.reopen(self.store)

    def reopen(self, store: Store) -> None:
        """Work over another store from now on, or over another door to the same."""
        self.store = store
        self.desk = Desk(self.store, Revisions(), self, lambda: self.now, self.ids, b"k" * 32)

    def announce(self, news: Sequence[News]) -> None:
        self.heard.extend(news)

    def hints(self) -> list[Hint]:
        return [item for item in self.heard if isinstance(item, Hint)]

    async def add_task(
        self,
        *schedules_: Schedule,
        policies: Policies | None = None,
        cursor: int | None = NOON,
        fires_left: int | None = None,
        target: HttpTarget = NOWHERE,
        fallback: HttpTarget | None = None,
        revision: int = 1,
    ) -> int:
        """A task as the verbs write it, its schedules standing at `cursor`; returns its id."""
        task_id = self.ids()
        definition = TaskDefinition(
            name=f"task {task_id}",
            target=target,
            fallback=fallback,
            schedules=schedules_,
            policies=policies or Policies(),
        )
        row = TaskRow(task_id, 1, definition.name, revision, True, self.now, self.now, SYSTEM.name)

        def unit(tx: Transaction) -> None:
            tasks.insert_task(tx.connection, row)
            tasks.insert_revision(tx.connection, Revision(task_id, revision, definition, self.now, SYSTEM.name))
            for schedule in schedules_:
                schedules.insert_schedule(
                    tx.connection,
                    schedule,
                    task_id=task_id,
                    department_id=1,
                    revision=revision,
                    cursor=Cursor(cursor, fires_left, None),
                )

        await self.desk.write(unit)
        return task_id

    async def record(self, *schedule_ids: int, slots: Slots = NO_SLOTS) -> Recorded:
        return await self.desk.write(lambda tx: record_due(tx, schedule_ids, slots=slots))

    async def run_by_hand(self, task_id: int) -> ExecutionRow:
        def unit(tx: Transaction) -> ExecutionRow:
            revision = tasks.find_task(tx.connection, task_id, principal=SYSTEM).revision  # type: ignore[union-attr]
            definition = tx.revisions.load(tx.connection, [(task_id, revision)])[task_id, revision]
            return record_manual(
                tx,
                task_id=task_id,
                revision=revision,
                department_id=1,
                definition=definition,
                gate=definition.policies,
                trigger=Trigger.MANUAL,
            )

        return await self.desk.write(unit)

    async def claim(self, *hints: tuple[int, int], session: int = ME) -> list[Claimed]:
        """Claim by (id, fence)."""
        return await self.desk.write(
            lambda tx: tx.hot.claim(tx.connection, hints, queue="default", session=session, now=tx.now)
        )

    async def finish(self, *results: Result) -> Written:
        return await self.desk.write(lambda tx: write_results(tx, results))

    async def add_node(self, session: int, *, roles: str = "api,scheduler,worker") -> None:
        row = NodeRow(session, 0, f"node {session}", 1, "0", roles, "default", "", 8)
        await self.store.write(lambda c: nodes.register(c, row, now=self.now))

    async def end_node(self, session: int) -> None:
        await self.store.write(lambda c: nodes.end_session(c, session=session, now=self.now))

    async def rows(self, *, task_id: int | None = None) -> list[Row]:
        """The executions, in order of fire time."""
        query = select(execution).order_by(execution.c.fire_at, execution.c.id)
        if task_id is not None:
            query = query.where(execution.c.task_id == task_id)
        return await self.store.read(lambda c: list(c.execute(query)))

    async def row(self, id_: int) -> Row:
        return await self.store.read(lambda c: c.execute(select(execution).where(execution.c.id == id_)).one())

    async def state(self, id_: int) -> State:
        return State((await self.row(id_)).state)

    async def states(self, task_id: int) -> list[tuple[State, str | None]]:
        return [(State(row.state), row.reason) for row in await self.rows(task_id=task_id)]

    async def all_of(self, table: object) -> list[Row]:
        return await self.store.read(lambda c: list(c.execute(select(table))))  # type: ignore[call-overload]


@dataclass
class Leader:
    """The membership of a node that owns every shard and leads, or what a test makes of it."""

    leads: bool = True
    session: int = ME
    fresh: bool = True
    shards: tuple[int, ...] | None = None


async def open_office(url: str) -> Office:
    """An office over an empty database; tables that are there from an earlier test are emptied."""
    store = open_store(parse_url(url))
    await store.write(metadata.create_all)

    def unit(connection: object) -> None:
        for table in metadata.sorted_tables:
            connection.execute(delete(table))  # type: ignore[attr-defined]
        connection.execute(insert(installation).values(name="cluster_key", content=b"k" * 32))  # type: ignore[attr-defined]

    await store.write(unit)
    return Office(store)


def every(seconds: float, *, id_: int = 5, **changes: object) -> Schedule:
    """A schedule that fires at whole multiples of `seconds` around noon."""
    timing = IntervalTiming(timedelta(seconds=seconds), NOON - 86_400 * SECOND)
    return Schedule(id=id_, timing=timing, seed=1, **changes)  # type: ignore[arg-type]


def result_of_claim(claimed: Claimed, *, session: int = ME, now: int | None = None, **changes: object) -> Result:
    """A success of this claim, or what `changes` make of its row."""
    row = ResultRow(
        id=claimed.id,
        holder=session,
        fence=claimed.fence,
        state=State.SUCCEEDED,
        reason=Reason.OK,
        not_before=None,
        given_back=0,
        status=200,
        sent_at=claimed.claimed_at,
        ended_at=claimed.claimed_at if now is None else now,
        flags=0,
        attempt=claimed.attempt,
    )._replace(**changes)
    return Result(
        row=row,
        task_id=claimed.task_id,
        department_id=1,
        queue="default",
        outcome="answered",
        reason="accepted",
        message="",
        claimed_at=claimed.claimed_at,
        from_end=bool(claimed.flags & Flag.FROM_END),
        output=OutputRow(claimed.id, claimed.attempt, 0, 200, "[]", 0, "ok", 0),
    )


async def dead_sessions(office: Office) -> list[int]:
    return [row.session for row in await office.all_of(node) if row.dead or row.ended_at is not None]
