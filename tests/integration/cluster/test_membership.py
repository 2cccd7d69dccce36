"""One session and its heartbeat: alive while the database says so, lost the moment it says no."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import pytest
from sqlalchemy import Connection, update

from distributedjob.cluster import observer, sql
from distributedjob.cluster.port import Census
from distributedjob.cluster.sql import SqlMembership
from distributedjob.cluster.view import NO_VIEW, View
from distributedjob.model.instant import SECOND
from distributedjob.model.task import SHARDS
from distributedjob.runtime.clock import Clock
from distributedjob.store import nodes, orders
from distributedjob.store.open import parse_url
from distributedjob.store.orders import Order, Wanted
from distributedjob.store.port import BlockingWriter, Unit
from distributedjob.store.tables import node
from support.office import ME, OTHER, Office, open_office
from support.servers import DatabaseServer
from support.waiting import until

T = TypeVar("T")


@dataclass
class Heard:
    lost: int = 0
    dead: list[tuple[str, int]] = field(default_factory=list)
    beats: int = 0
    errors: list[Exception] = field(default_factory=list)
    shards: list[tuple[int, ...] | None] = field(default_factory=list)


class Door:
    """The beat's connection, which can be shut."""

    def __init__(self, behind: BlockingWriter) -> None:
        self._behind = behind
        self.shut = threading.Event()
        self.closed = False

    def write(self, unit: Unit[T], *, timeout: float) -> T:
        if self.shut.is_set():
            raise TimeoutError("no answer")
        return self._behind.write(unit, timeout=timeout)

    def close(self) -> None:
        self.closed = True
        self._behind.close()


class Member:
    def __init__(
        self,
        office: Office,
        session: int,
        *,
        reference: Callable[[Connection], int] | None = None,
        own_all_shards: bool = False,
        writer: Callable[[], BlockingWriter] | None = None,
    ) -> None:
        self.heard = Heard()
        self.door = Door(office.store.blocking()) if writer is None else None  # type: ignore[attr-defined]
        self.clock = Clock(offset=0)
        self.membership = SqlMembership(
            session=session,
            writer=writer or (lambda: self.door),
            clock=self.clock,
            reference=reference or (lambda _: self.clock.now()),
            own_all_shards=lambda: own_all_shards,
            on_lost=self._lose,
            on_dead=lambda name, session: self.heard.dead.append((name, session)),
            on_beat=self._beat,
            on_error=self.heard.errors.append,
        )
        self.membership.on_shards(self._share)

    def _share(self) -> None:
        self.heard.shards.append(self.membership.shards)

    def _lose(self) -> None:
        self.heard.lost += 1

    def _beat(self) -> None:
        self.heard.beats += 1

    async def beats(self, count: int = 2) -> None:
        wanted = self.heard.beats + count
        await until(lambda: self.heard.beats >= wanted)


@pytest.fixture
async def office(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.setattr(sql, "INTERVAL", 0.01)
    office = await open_office(sqlite_url)
    yield office
    await office.store.close()


@pytest.fixture
async def member(office: Office) -> AsyncIterator[Member]:
    await office.add_node(ME)
    member = Member(office, ME)
    member.membership.start()
    yield member
    member.membership.stop()


async def test_a_session_beats_and_is_fresh(office: Office, member: Member) -> None:
    await member.beats()
    (row,) = await office.all_of(node)
    assert (row.beat >= 2, member.membership.fresh) == (True, True)


async def test_alone_it_owns_every_shard_and_leads(member: Member) -> None:
    await member.beats()
    assert (member.membership.shards, member.membership.leads) == (tuple(range(SHARDS)), True)


async def test_two_sessions_share_the_shards(office: Office, member: Member) -> None:
    await office.add_node(OTHER)
    other = Member(office, OTHER)
    other.membership.start()
    await member.beats()
    await other.beats()
    await member.beats()
    other.membership.stop()
    mine, theirs = member.membership.shards, other.membership.shards
    assert sorted([*(mine or ()), *(theirs or ())]) == list(range(SHARDS))
    assert [member.membership.leads, other.membership.leads] == [True, False]


async def test_one_that_leaves_gives_up_its_shards_at_once(office: Office, member: Member) -> None:
    await office.add_node(OTHER)
    await office.store.write(lambda c: nodes.leave(c, session=OTHER))
    await member.beats()
    assert member.membership.shards == tuple(range(SHARDS))


async def test_a_session_without_the_role_owns_nothing(office: Office) -> None:
    await office.add_node(ME, roles="worker")
    member = Member(office, ME)
    member.membership.start()
    await member.beats()
    member.membership.stop()
    assert (member.membership.shards, member.membership.leads) == ((), False)


async def test_declared_dead_it_is_lost_and_not_fresh(office: Office, member: Member) -> None:
    await member.beats()
    await office.store.write(lambda c: c.execute(update(node).values(dead=True, ended_at=1)))
    await until(lambda: member.heard.lost == 1)
    assert not member.membership.fresh


async def test_the_beat_ends_with_its_session(office: Office, member: Member) -> None:
    await office.end_node(ME)
    await until(lambda: member.door.closed)
    assert member.heard.lost == 1


async def test_ending_the_own_session_is_no_loss(office: Office, member: Member) -> None:
    await member.beats()
    member.membership.retire()
    await office.end_node(ME)
    await until(lambda: member.door.closed)
    assert member.heard.lost == 0


async def test_an_outage_is_told_and_outlived(member: Member) -> None:
    await member.beats()
    member.door.shut.set()
    await until(lambda: len(member.heard.errors) >= 2)
    member.door.shut.clear()
    await member.beats()
    assert (member.heard.lost, member.membership.fresh) == (0, True)


async def test_without_beats_it_is_not_fresh_for_long(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "FRESH_MICROS", 200_000)
    await until(lambda: member.membership.fresh)
    member.door.shut.set()
    await until(lambda: not member.membership.fresh)


async def test_the_clock_follows_what_the_beats_read(office: Office) -> None:
    await office.add_node(ME)
    member = Member(office, ME, reference=lambda _: member.clock.now() + SECOND)
    member.membership.start()
    before = member.clock._offset
    await member.beats(3)
    member.membership.stop()
    assert member.clock._offset > before


def view_of(*sessions: int, leader: int | None = None) -> View:
    return View(frozenset(sessions), leader, healthy=True)


async def test_a_change_of_the_shards_is_told(office: Office, member: Member) -> None:
    await member.beats()
    await office.add_node(OTHER)
    await until(lambda: len(member.heard.shards) == 2)
    assert member.heard.shards == [tuple(range(SHARDS)), member.membership.shards]


async def test_news_from_etcd_makes_the_next_beat_come_at_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "INTERVAL", 60)
    await office.add_node(ME)
    member = Member(office, ME)
    member.membership.start()
    await until(lambda: member.heard.beats == 1)
    member.membership.note_view(view_of(ME))
    await until(lambda: member.heard.beats == 2)
    member.membership.stop()


async def test_one_that_vanished_from_etcd_gives_up_its_shards_at_once(office: Office, member: Member) -> None:
    await office.add_node(OTHER)
    member.membership.note_view(view_of(ME, OTHER))
    await until(lambda: member.membership.shards != tuple(range(SHARDS)))
    await member.beats()
    member.membership.note_view(view_of(ME))
    await until(lambda: member.membership.shards == tuple(range(SHARDS)))


async def test_when_etcd_is_lost_the_table_decides_alone(office: Office, member: Member) -> None:
    await office.add_node(OTHER)
    member.membership.note_view(view_of(ME, OTHER))
    await member.beats()
    member.membership.note_view(view_of(ME))
    await until(lambda: member.membership.shards == tuple(range(SHARDS)))
    member.membership.note_view(NO_VIEW)
    await until(lambda: member.membership.shards != tuple(range(SHARDS)))


async def test_etcd_says_who_leads_while_it_can(office: Office, member: Member) -> None:
    await office.add_node(OTHER)
    member.membership.note_view(view_of(ME, OTHER, leader=OTHER))
    await until(lambda: not member.membership.leads)
    member.membership.note_view(NO_VIEW)
    await until(lambda: member.membership.leads)


async def test_whoever_declares_another_dead_says_so_once(
    office: Office, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observer, "DEAD_AFTER", 20_000)
    await office.add_node(OTHER)
    await until(lambda: bool(member.heard.dead))
    await member.beats(10)
    assert member.heard.dead == [(f"node {OTHER}", OTHER)]


async def test_one_that_leaves_keeps_its_shards_for_the_hand_over(office: Office, member: Member) -> None:
    await office.add_node(OTHER)
    await member.beats()
    before = member.membership.shards
    member.membership.leave()
    await office.store.write(lambda c: nodes.leave(c, session=ME))
    await member.beats()
    assert (member.membership.shards, member.membership.leads) == (before, False)


async def test_there_is_nothing_to_hand_over_to_nobody(office: Office, member: Member) -> None:
    await office.add_node(OTHER, roles="worker")
    await member.beats()
    assert member.membership.handover_seconds == 0


async def test_a_hand_over_lasts_longer_than_a_beat_and_with_etcd_not_even_that(office: Office, member: Member) -> None:
    await office.add_node(OTHER)
    await member.beats()
    without = member.membership.handover_seconds
    member.membership.note_view(view_of(ME, OTHER))
    assert (without > 1, 0 < member.membership.handover_seconds < 1) == (True, True)


async def test_a_row_that_its_frozen_node_has_locked_holds_up_no_beat(
    mariadb_url: str, mariadb_server: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "INTERVAL", 0.05)
    monkeypatch.setattr(observer, "DEAD_AFTER", 300_000)
    office = await open_office(mariadb_url)
    await office.add_node(ME)
    await office.add_node(OTHER)
    member = Member(office, ME, writer=office.store.blocking)  # type: ignore[attr-defined]
    with mariadb_server.connect() as frozen, frozen.cursor() as cursor:
        cursor.execute(f"USE {parse_url(mariadb_url).database}")
        cursor.execute("START TRANSACTION")
        cursor.execute("SELECT * FROM node WHERE session = %s FOR UPDATE", (OTHER,))
        member.membership.start()
        await until(lambda: "coroner" in [thread.name for thread in threading.enumerate()])
        began = time.monotonic()
        await member.beats(10)
        assert time.monotonic() - began < 3
    async with asyncio.timeout(10):
        while not next(row.dead for row in await office.all_of(node) if row.session == OTHER):
            await asyncio.sleep(0.05)
    member.membership.stop()
    await office.store.close()
    assert member.heard.errors == []


async def order(office: Office, session: int, wanted: Wanted) -> None:
    given = Order(f"node {session}", wanted, "", "me", office.now)
    await office.store.write(lambda c: orders.place_order(c, given))


async def test_one_that_is_drained_owns_nothing_and_does_not_lead_until_it_is_resumed(
    office: Office, member: Member
) -> None:
    await member.beats()
    await order(office, ME, Wanted.DRAINED)
    await member.beats()
    drained = (member.membership.shards, member.membership.leads)
    await office.store.write(lambda c: orders.lift_order(c, f"node {ME}"))
    await member.beats()
    assert (drained, member.membership.shards) == (((), False), tuple(range(SHARDS)))


async def test_one_that_is_cordoned_keeps_its_shards(office: Office, member: Member) -> None:
    await order(office, ME, Wanted.CORDONED)
    await member.beats()
    assert member.membership.shards == tuple(range(SHARDS))


async def test_the_others_take_over_what_a_drained_one_owned(office: Office, member: Member) -> None:
    await office.add_node(OTHER)
    await member.beats()
    shared = member.membership.shards
    await order(office, OTHER, Wanted.DRAINED)
    await member.beats()
    assert (len(shared or ()) < SHARDS, member.membership.shards) == (True, tuple(range(SHARDS)))


async def test_the_only_process_owns_nothing_either_while_it_is_drained(office: Office) -> None:
    await office.add_node(ME)
    await order(office, ME, Wanted.DRAINED)
    member = Member(office, ME, own_all_shards=True)
    member.membership.start()
    await member.beats()
    member.membership.stop()
    assert member.membership.shards == ()


async def test_the_census_says_who_is_alive_owns_and_leads(office: Office, member: Member) -> None:
    await office.add_node(OTHER, roles="worker")
    await member.beats()
    assert member.membership.census == Census(frozenset({ME, OTHER}), (ME,), ME)
