"""Targets that register themselves in etcd are found by name, and forgotten with their lease."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from distributedjob.cluster.etcd.client import EtcdClient
from distributedjob.cluster.etcd.directory import TargetDirectory
from support.etcd_party import Party
from support.waiting import until


@dataclass
class Targets:
    """What targets do: they put their address under a lease, and go."""

    client: EtcdClient
    prefix: str
    directory: TargetDirectory

    async def register(self, name: str, instance: str, value: str) -> int:
        lease = await self.client.grant(seconds=30)
        await self.client.put(f"{self.prefix}/targets/{name}/{instance}".encode(), value.encode(), lease=lease)
        return lease

    def known(self, name: str, *addresses: str) -> bool:
        return self.directory.list_addresses(name) == addresses


@pytest.fixture
async def targets(party: Party) -> AsyncIterator[Targets]:
    guest = await party.knock()
    client = EtcdClient(party.address)
    yield Targets(client, party.prefix, guest.link.open_directory())
    await client.close()


async def test_a_target_is_found_under_its_name_with_all_its_instances(targets: Targets) -> None:
    await targets.register("billing", "b", "10.0.0.2:9000")
    await targets.register("billing", "a", "10.0.0.1:9000")
    await targets.register("mail", "a", "[::1]:9000")
    await until(lambda: targets.known("billing", "10.0.0.1:9000", "10.0.0.2:9000"))
    await until(lambda: targets.known("mail", "[::1]:9000"))


async def test_an_instance_that_goes_is_forgotten(targets: Targets) -> None:
    await targets.register("billing", "a", "10.0.0.1:9000")
    lease = await targets.register("billing", "b", "10.0.0.2:9000")
    await until(lambda: targets.known("billing", "10.0.0.1:9000", "10.0.0.2:9000"))
    await targets.client.revoke(lease)
    await until(lambda: targets.known("billing", "10.0.0.1:9000"))


async def test_what_etcds_own_client_for_go_writes_is_understood(targets: Targets) -> None:
    await targets.register("billing", "a", '{"Op":0,"Addr":"10.0.0.1:9000","Metadata":null}')
    await until(lambda: targets.known("billing", "10.0.0.1:9000"))


async def test_a_name_that_nobody_registered_has_no_addresses(targets: Targets) -> None:
    await until(lambda: targets.directory.is_current)
    assert targets.known("billing")


async def test_values_that_are_no_address_are_nobodys(targets: Targets) -> None:
    for instance, value in enumerate(("", "{", "[]", '{"Addr":7}', "http://a:1/", "no port", "\x00:1")):
        await targets.register("billing", str(instance), value)
    await targets.register("billing", "good", "10.0.0.1:9000")
    await until(lambda: targets.known("billing", "10.0.0.1:9000"))
