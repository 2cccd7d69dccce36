"""Sessions in a real etcd: who is there is known at once, and one of them leads."""

import asyncio
import time

import pytest

from distributedjob.cluster.etcd import registry
from support.etcd_party import Party, shows
from support.waiting import until

SHORT_LEASE = 2


async def test_a_session_sees_itself_and_leads(party: Party) -> None:
    alone = await party.invite()
    await until(lambda: alone.view.leader)
    assert (alone.view.sessions, alone.view.leader, alone.view.healthy) == (frozenset({1}), 1, True)


async def test_a_join_is_seen_at_once(party: Party) -> None:
    first = await party.invite()
    await until(shows(first, 1))
    began = time.monotonic()
    await party.invite(first=1)
    await until(shows(first, 1, 2))
    assert time.monotonic() - began < 1


async def test_a_leave_is_seen_at_once(party: Party) -> None:
    first, second = await party.invite(), await party.invite(first=1)
    await until(shows(first, 1, 2))
    began = time.monotonic()
    await second.leave()
    await until(shows(first, 1))
    assert time.monotonic() - began < 1


async def test_leaving_twice_is_fine(party: Party) -> None:
    guest = await party.invite()
    await until(shows(guest, 1))
    await guest.leave()
    await guest.leave()
    assert guest.heard.failed == []


async def test_a_leader_that_leaves_is_followed_at_once(party: Party) -> None:
    first = await party.invite()
    await until(lambda: first.view.leader == 1)
    second = await party.invite(first=1)
    await until(shows(second, 1, 2))
    began = time.monotonic()
    await first.leave()
    await until(lambda: second.view.leader == 2)
    assert time.monotonic() - began < 1


async def test_a_leader_that_dies_is_gone_and_followed_when_its_lease_ends(
    party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "LEASE_SECONDS", SHORT_LEASE)
    first = await party.invite()
    await until(lambda: first.view.leader == 1)
    second = await party.invite(first=1)
    await until(shows(second, 1, 2))
    began = time.monotonic()
    first.die()
    await until(lambda: second.view.leader == 2 and second.view.sessions == frozenset({2}))
    assert (second.heard.leaders, time.monotonic() - began < SHORT_LEASE + 2) == ([1, 2], True)


async def test_who_cannot_do_the_single_duties_does_not_lead(party: Party) -> None:
    worker = await party.invite(leads=False)
    scheduler = await party.invite(first=1)
    await until(lambda: worker.view.leader == scheduler.session)


async def test_a_session_whose_key_was_deleted_registers_anew(party: Party, etcd_prefix: str) -> None:
    guest = await party.invite()
    await until(shows(guest, 1))
    lease = guest.enrolment._registry._lease  # type: ignore[union-attr]
    await guest.link._ask(guest.link._client.revoke(lease))
    await until(lambda: guest.anew)
    await until(shows(guest, 1))


async def test_many_joins_at_once_are_all_seen(party: Party) -> None:
    guests = await asyncio.gather(*(party.invite(first=number) for number in range(12)))
    await until(lambda: all(guest.view.sessions == frozenset(range(1, 13)) for guest in guests))
    await until(lambda: len({guest.view.leader for guest in guests}) == 1)


async def test_a_busy_main_loop_keeps_its_lease(party: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "LEASE_SECONDS", SHORT_LEASE)
    first, second = await party.invite(), await party.invite(first=1)
    await until(shows(second, 1, 2))
    time.sleep(3.5)  # longer than the lease, with this loop stuck
    assert (first.anew, second.anew, second.view.sessions) == (0, 0, frozenset({1, 2}))
