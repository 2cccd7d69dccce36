"""The recorder at work: every due fire is recorded, whatever stands in its way for a while."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from sqlalchemy import update

from distributedjob.dispatch.port import CursorMoved
from distributedjob.model.execution import State
from distributedjob.model.instant import SECOND
from distributedjob.model.task import shard_of
from distributedjob.scheduler.recorder import Recorder, WindowReader
from distributedjob.scheduler.window import Window
from distributedjob.services.batch import Recorded
from distributedjob.store.tables import schedule
from distributedjob.telemetry.events import Events
from support.cut_store import CutStore
from support.http_target import HttpTarget
from support.office import ME, NOON, Leader, Office, every, open_office
from support.shop import SLOTS, Shop
from support.waiting import until


@dataclass
class HandClock:
    """The clock of an office, for who needs more than its time."""

    office: Office
    frozen: bool = False

    def now(self) -> int:
        return self.office.now


@dataclass
class Desk:
    """A recorder with its window and reader over an office."""

    office: Office
    worker: object = None
    patience: int = 0
    membership: Leader = field(default_factory=Leader)
    recorded: list[Recorded] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = HandClock(self.office)
        self.window = Window()
        self.rebuild()

    def rebuild(self) -> None:
        self.recorder = Recorder(
            desk=self.office.desk,
            clock=self.clock,  # type: ignore[arg-type]
            window=self.window,
            worker=self.worker,  # type: ignore[arg-type]
            events=Events(),
            on_recorded=self.recorded.append,
            patience=self.patience,
        )
        self.reader = WindowReader(
            desk=self.office.desk,
            clock=self.clock,  # type: ignore[arg-type]
            membership=self.membership,
            window=self.window,
            wake=self.recorder.wake,
        )

    def open(self) -> None:
        self.task = asyncio.create_task(self.recorder.run())

    async def close(self) -> None:
        self.recorder.close()
        async with asyncio.timeout(5):
            await asyncio.gather(self.task, return_exceptions=True)

    @property
    def executions(self) -> int:
        return sum(one.executions for one in self.recorded)


@pytest.fixture
async def office(sqlite_url: str) -> AsyncIterator[Office]:
    office = await open_office(sqlite_url)
    yield office
    await office.store.close()


@pytest.fixture
async def desk(office: Office) -> AsyncIterator[Desk]:
    desk = Desk(office)
    desk.open()
    yield desk
    await desk.close()


async def test_a_due_fire_is_recorded_and_hinted(desk: Desk) -> None:
    task_id = await desk.office.add_task(every(10))
    await desk.reader.run_once()
    await until(lambda: desk.executions == 1)
    (row,) = await desk.office.rows(task_id=task_id)
    assert [hint.id for hint in desk.office.hints()] == [row.id]


async def test_a_fire_is_not_recorded_before_its_time(desk: Desk) -> None:
    await desk.office.add_task(every(10), cursor=NOON + SECOND)
    await desk.reader.run_once()
    await asyncio.sleep(0.05)
    before = desk.executions
    desk.office.now += SECOND
    desk.recorder.wake()
    await until(lambda: desk.executions == 1)
    assert before == 0


async def test_a_schedule_goes_on_without_being_read_again(desk: Desk) -> None:
    task_id = await desk.office.add_task(every(1))
    await desk.reader.run_once()
    for count in (1, 2, 3):
        await until(lambda n=count: desk.executions == n)
        desk.office.now += SECOND
        desk.recorder.wake()
    await until(lambda: desk.executions == 4)
    assert [row.fire_at for row in await desk.office.rows(task_id=task_id)] == [NOON + n * SECOND for n in range(4)]


async def test_news_of_a_cursor_needs_no_read(desk: Desk) -> None:
    await desk.office.add_task(every(10, id_=9))
    desk.recorder.cursor_moved(CursorMoved(9, NOON))
    await until(lambda: desk.executions == 1)


async def test_news_of_a_far_cursor_is_left_to_the_reads(desk: Desk) -> None:
    desk.recorder.cursor_moved(CursorMoved(9, NOON + 3600 * SECOND))
    assert len(desk.window) == 0


async def test_only_owned_shards_are_read(desk: Desk) -> None:
    task_id = await desk.office.add_task(every(10))
    own = shard_of(task_id)
    for shards, expected in (((), 0), (((own + 1) % 64,), 0), ((own,), 1)):
        desk.membership.shards = shards
        await desk.reader.run_once()
        await asyncio.sleep(0.02)
        assert desk.executions == expected


async def test_while_the_clock_is_in_doubt_nothing_is_recorded(desk: Desk) -> None:
    desk.clock.frozen = True
    await desk.office.add_task(every(10))
    await desk.reader.run_once()
    await asyncio.sleep(0.05)
    before = desk.executions
    desk.clock.frozen = False
    desk.recorder.wake()
    await until(lambda: desk.executions == 1)
    assert before == 0


async def test_an_old_word_does_not_hide_a_cursor(desk: Desk) -> None:
    task_id = await desk.office.add_task(every(1))
    await desk.reader.run_once()
    await until(lambda: desk.executions == 1)
    desk.window.put(5, NOON)  # a read that began before the fire was recorded
    desk.recorder.wake()
    await until(lambda: desk.window.next_at == NOON + SECOND)
    assert len(await desk.office.rows(task_id=task_id)) == 1


async def test_a_broken_schedule_stops_no_other(desk: Desk) -> None:
    broken = every(10, id_=6)
    await desk.office.add_task(broken)
    sound = await desk.office.add_task(every(10, id_=7))
    change = update(schedule).where(schedule.c.id == 6).values(definition="{}")
    await desk.office.store.write(lambda c: c.execute(change))
    await desk.reader.run_once()
    await until(lambda: desk.executions == 1)
    assert len(await desk.office.rows(task_id=sound)) == 1


async def test_what_an_outage_delays_is_recorded_when_it_is_over(office: Office) -> None:
    door = CutStore(office.store, away=True)
    task_id = await office.add_task(every(10))
    office.reopen(door)
    desk = Desk(office)
    desk.window.put(5, NOON)
    desk.open()
    await until(lambda: door.tries >= 1)
    door.away = False
    await desk.reader.run_once()
    await until(lambda: desk.executions == 1)
    await desk.close()
    assert len(await office.rows(task_id=task_id)) == 1


async def test_a_recording_whose_answer_was_lost_is_not_repeated(office: Office) -> None:
    door = CutStore(office.store, answers_lost=True)
    task_id = await office.add_task(every(10))
    office.reopen(door)
    desk = Desk(office)
    desk.window.put(5, NOON)
    desk.open()
    await until(lambda: door.tries >= 1)
    door.answers_lost = False
    await desk.reader.run_once()
    await until(lambda: desk.window.next_at != NOON)
    await desk.close()
    assert len(await office.rows(task_id=task_id)) == 1


@pytest.fixture
async def shop(office: Office, http_target: HttpTarget, tmp_path) -> AsyncIterator[Shop]:
    shop = Shop(office, http_target, tmp_path)
    yield shop
    await shop.close()


async def due_with_worker(office: Office, shop: Shop, count: int, *, patience: int = 0) -> Desk:
    desk = Desk(office, worker=shop.worker, patience=patience)
    await office.add_task(*(every(10, id_=20 + n) for n in range(count)))
    desk.open()
    await desk.reader.run_once()
    return desk


async def test_with_room_in_the_own_worker_a_fire_is_claimed_as_it_is_recorded(office: Office, shop: Shop) -> None:
    desk = await due_with_worker(office, shop, 2)
    await until(lambda: len(shop.worker.runner.running) == 2)
    await desk.close()
    assert {(row.state, row.holder) for row in await office.rows()} == {(State.RUNNING, ME)}


async def test_what_finds_no_room_is_recorded_for_others(office: Office, shop: Shop) -> None:
    desk = await due_with_worker(office, shop, SLOTS + 3)
    await until(lambda: desk.executions == SLOTS + 3)
    await desk.close()
    states = [State(row.state) for row in await office.rows()]
    assert (states.count(State.RUNNING), states.count(State.PENDING)) == (SLOTS, 3)
    assert len(office.hints()) == 3


async def test_a_fire_waits_no_longer_for_room_than_it_may(office: Office, shop: Shop) -> None:
    shop.worker.take_slots(SLOTS)
    desk = await due_with_worker(office, shop, 1, patience=SECOND)
    await asyncio.sleep(0.05)
    before = desk.executions
    office.now += SECOND
    await until(lambda: desk.executions == 1)
    await desk.close()
    assert (before, [State(row.state) for row in await office.rows()]) == (0, [State.PENDING])


async def test_an_outage_keeps_no_slot(office: Office, shop: Shop) -> None:
    door = CutStore(office.store, away=True)
    office.reopen(door)
    shop.rebuild()
    desk = Desk(office, worker=shop.worker)
    desk.window.put(5, NOON)
    desk.open()
    await until(lambda: door.tries >= 1 and shop.worker.slots.used == 0)
    await desk.close()


async def test_closing_hands_over_what_was_begun(office: Office, shop: Shop) -> None:
    desk = await due_with_worker(office, shop, 1)
    await desk.close()
    running = list(shop.worker.runner.running)
    states = [State(row.state) for row in await office.rows()]
    assert (len(running), states) in ((1, [State.RUNNING]), (0, []))


async def test_a_fire_does_not_wait_for_room_in_a_worker_that_takes_nothing(office: Office, shop: Shop) -> None:
    shop.worker.cordon()
    desk = await due_with_worker(office, shop, 1, patience=3600 * SECOND)
    await until(lambda: desk.executions == 1)
    await desk.close()
    assert [State(row.state) for row in await office.rows()] == [State.PENDING]


async def test_schedules_of_shards_that_went_elsewhere_are_left_to_the_others(office: Office) -> None:
    desk = Desk(office)
    await office.add_task(every(1), cursor=NOON + SECOND)
    await desk.reader.run_once()
    desk.membership.shards = ()
    counts = []
    for _ in range(3):
        await desk.reader.run_once()
        counts.append(len(desk.window))
    assert counts == [1, 0, 0]
