"""Tables of an empty database, made by the program's own migrations before rows are written to them."""

import asyncio

from bench.database import SQLITE_FILE, Database
from distributedjob.store.schema import upgrade


def prepare_schema(database: Database) -> None:
    asyncio.run(upgrade(store_url(database)))


def store_url(database: Database) -> str:
    return database.url or f"sqlite:///{database.folder / SQLITE_FILE}"
