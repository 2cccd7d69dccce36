"""Workers over SQLite with a real target to call."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.http_target import HttpTarget
from support.office import open_office
from support.shop import Shop


@pytest.fixture
async def closed_shop(sqlite_url: str, http_target: HttpTarget, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop whose parts do not run yet."""
    office = await open_office(sqlite_url)
    shop = Shop(office, http_target, tmp_path)
    yield shop
    await shop.close()
    await office.store.close()


@pytest.fixture
async def shop(closed_shop: Shop) -> Shop:
    closed_shop.open()
    return closed_shop
