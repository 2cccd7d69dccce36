"""A real etcd whose members die, freeze and forget: the view is right, or it does not count."""

import secrets
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from distributedjob.cluster.etcd.address import EtcdAddress
from support.etcd_party import Party, open_party, shows
from support.etcd_server import EtcdCluster
from support.waiting import until


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdCluster]:
    with EtcdCluster(tmp_path_factory.mktemp("etcd")) as cluster:
        yield cluster


@pytest.fixture
async def fragile(etcd: EtcdCluster) -> AsyncIterator[Party]:
    """Sessions in a cluster that may be harmed; it is whole again for the next test."""
    async with open_party(EtcdAddress(endpoints=etcd.endpoints), prefix=f"test-{secrets.token_hex(6)}") as party:
        yield party
    etcd.thaw()
    for member in etcd.members:
        if not member.is_running:
            member.launch()
    for member in etcd.members:
        member.wait_until_ready()


def number_of(etcd: EtcdCluster, *, leads: bool) -> int:
    """The place of etcd's own leader among the members, or of another."""
    leader = etcd.wait_for_leader()
    return next(number for number, member in enumerate(etcd.members) if (member is leader) == leads)


async def test_the_death_of_the_member_in_use_is_no_outage(etcd: EtcdCluster, fragile: Party) -> None:
    number = number_of(etcd, leads=False)
    guest = await fragile.invite(first=number)
    await until(shows(guest, 1))
    etcd.members[number].kill()
    other = await fragile.invite(first=number + 1)
    await until(shows(guest, 1, other.session))
    assert (guest.heard.away, guest.anew) == ([], 0)


async def test_a_frozen_member_is_left_for_another_before_the_lease_ends(etcd: EtcdCluster, fragile: Party) -> None:
    number = number_of(etcd, leads=False)
    guest, other = await fragile.invite(first=number), await fragile.invite(first=number + 1)
    await until(shows(guest, 1, 2))
    etcd.members[number].freeze()
    began = time.monotonic()
    await other.leave()
    await until(shows(guest, 1))
    assert (guest.anew, time.monotonic() - began < 4) == (0, True)


async def test_the_freeze_of_etcds_leader_costs_no_session_its_lease(etcd: EtcdCluster, fragile: Party) -> None:
    number = number_of(etcd, leads=True)
    guest = await fragile.invite(first=number)
    await until(shows(guest, 1))
    etcd.members[number].freeze()
    other = await fragile.invite(first=number + 1)
    await until(shows(guest, 1, other.session))
    assert guest.anew == 0


async def test_without_a_quorum_no_view_counts_until_it_is_back(etcd: EtcdCluster, fragile: Party) -> None:
    guest = await fragile.invite()
    await until(shows(guest, 1))
    began = time.monotonic()
    for member in etcd.members[1:]:
        member.kill()
    await until(lambda: not guest.view.healthy)
    seconds = time.monotonic() - began
    for member in etcd.members[1:]:
        member.launch()
    await until(shows(guest, 1))
    assert (seconds < 5, guest.heard.connected, len(guest.heard.away)) == (True, 2, 1)


async def test_frozen_altogether_etcd_is_away(etcd: EtcdCluster, fragile: Party) -> None:
    guest = await fragile.invite()
    await until(shows(guest, 1))
    began = time.monotonic()
    etcd.freeze()
    await until(lambda: not guest.view.healthy)
    seconds = time.monotonic() - began
    etcd.thaw()
    await until(shows(guest, 1))
    assert seconds < 5


async def test_an_etcd_that_forgot_everything_gets_all_sessions_anew(etcd: EtcdCluster, fragile: Party) -> None:
    first, second = await fragile.invite(), await fragile.invite(first=1)
    await until(shows(first, 1, 2))
    etcd.wipe()
    await until(lambda: first.anew and second.anew)
    await until(shows(first, 1, 2))
    await until(lambda: second.view.leader)
    assert (first.anew, second.anew, first.heard.failed) == (1, 1, [])


async def test_an_etcd_that_is_away_at_the_start_is_found_later(etcd: EtcdCluster, fragile: Party) -> None:
    etcd.kill()
    guest = await fragile.invite()
    warned = len(guest.heard.away)
    etcd.start()
    await until(shows(guest, 1))
    assert (warned, guest.heard.connected, guest.heard.refused) == (1, 1, [])
