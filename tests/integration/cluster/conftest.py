"""Sessions in the etcd that all tests share, each test below a prefix of its own."""

import secrets
from collections.abc import AsyncIterator

import pytest

from distributedjob.cluster.etcd.address import EtcdAddress
from support.etcd_party import Party, open_party


@pytest.fixture
def etcd_prefix() -> str:
    return f"test-{secrets.token_hex(6)}"


@pytest.fixture
async def party(etcd_endpoints: tuple[str, ...], etcd_prefix: str) -> AsyncIterator[Party]:
    async with open_party(EtcdAddress(endpoints=etcd_endpoints), prefix=etcd_prefix) as party:
        yield party
