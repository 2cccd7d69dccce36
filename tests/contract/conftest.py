"""A store with all tables, on each database in turn."""

from collections.abc import AsyncIterator

import pytest

from distributedjob.store.open import open_store, parse_url
from distributedjob.store.port import Store
from distributedjob.store.tables import metadata
from support.office import Office, open_office


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    store = open_store(parse_url(database_url))
    await store.write(metadata.create_all)
    yield store
    await store.close()


@pytest.fixture
async def office(module_database_url: str) -> AsyncIterator[Office]:
    """A desk over an empty database that the tests of a module share one after the other."""
    office = await open_office(module_database_url)
    yield office
    await office.store.close()
