"""Which schema a database has, which one this program needs, and the way from one to the other.

Revisions are numbered files; the last is what the program needs. A revision that the program does not know was
written by a newer program: nothing is read from or written to such a database. On SQLite an upgrade is one
transaction. MySQL commits each DDL statement by itself, so a lock of the server keeps two upgrades apart.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from distributedjob import __version__
from distributedjob.model.errors import Conflict
from distributedjob.rules.versions import parse_version
from distributedjob.store.backup import back_up
from distributedjob.store.installation import find_oldest_program, note_oldest_program
from distributedjob.store.open import open_store, parse_url
from distributedjob.store.port import TRANSACTION_SECONDS, Store
from distributedjob.telemetry.logs import quiet_libraries

MIGRATIONS = Path(__file__).parent / "migrations"
BASE = "base"
UPGRADE_COMMAND = "distributedjob db upgrade"
LOCK = "distributedjob_schema"
LOCK_SECONDS = 60
OLDEST_PROGRAM = "0.1.0"
"""The oldest version of the program that may work on the schema of `head()`; noted in the database by an upgrade. A
revision that takes away, or changes, what that version relies on raises it."""

UPGRADE_SECONDS = 86_400.0
"""A large table takes its time to change, and the program waits for it."""


def revisions() -> tuple[str, ...]:
    """All revisions this program knows, oldest first."""
    return tuple(sorted(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")))


def head() -> str:
    """The revision this program needs."""
    return revisions()[-1]


async def find_revision(url: str) -> str | None:
    """The database's revision; None when it has no tables of ours, or is an SQLite file that does not exist.

    Raises StoreUnavailable.
    """
    path = sqlite_path(url)
    if path is not None and not path.exists():
        return None
    async with opened(url) as store:
        return await store.read(revision_of)


async def upgrade(url: str) -> None:
    """Bring the database to `head()`; nothing to do is fine. Refuses a newer one by Conflict."""
    refuse_newer(await find_revision(url))

    def unit(connection: Connection) -> None:
        _run_alembic("upgrade", "head", connection=connection)
        note_oldest_program(connection, OLDEST_PROGRAM)

    await _migrate(url, unit)


async def downgrade(url: str, *, revision: str = BASE) -> None:
    """Go back to `revision`; at `base` all tables are gone, with everything in them."""
    refuse_newer(await find_revision(url))
    await _migrate(url, lambda connection: _run_alembic("downgrade", revision, connection=connection))


async def prepare(url: str, *, backup_dir: Path) -> Path | None:
    """Before the program starts: make sure that the schema fits, or refuse by Conflict with the way out.

    An older SQLite file is upgraded here after a copy into `backup_dir`, whose path is returned. A newer schema is
    fine if whoever made it said that a program of this version may go on working on it.
    """
    found = await find_revision(url)
    if found == head() or await tolerates(url, found):
        return None
    refuse_newer(found)
    if sqlite_path(url) is None:
        raise Conflict(
            f"the database's schema is {found or 'empty'}, this program needs {head()}. Run '{UPGRADE_COMMAND}' once, "
            "with the same settings, then start again",
            code="schema_older",
        )
    return await upgrade_with_copy(url, backup_dir=backup_dir)


async def upgrade_with_copy(url: str, *, backup_dir: Path) -> Path | None:
    """Upgrade; an SQLite file that has a schema of ours is copied into `backup_dir` first, and the path returned."""
    found, path = await find_revision(url), sqlite_path(url)
    refuse_newer(found)
    is_older = found is not None and found != head()
    copy = back_up(path, into=backup_dir, label=f"schema-{found}") if path is not None and is_older else None
    await upgrade(url)
    return copy


async def tolerates(url: str, found: str | None) -> bool:
    """Whether `found` is newer than this program, which may work on it all the same."""
    if found is None or found in revisions():
        return False
    async with opened(url) as store:
        oldest = await store.read(find_oldest_program)
    return oldest is not None and parse_version(__version__) >= parse_version(oldest)


def refuse_newer(found: str | None) -> None:
    """Conflict when `found` is a revision that this program does not know."""
    if found is not None and found not in revisions():
        raise Conflict(
            f"the database's schema is {found}, newer than this program, which knows {head()}. Start a newer "
            "DistributedJob, or restore a backup made before the upgrade",
            code="schema_newer",
        )


def revision_of(connection: Connection) -> str | None:
    """The schema's revision; None without tables of ours."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def sqlite_path(url: str) -> Path | None:
    """The file of an SQLite URL; None for a server."""
    parsed = parse_url(url)
    return Path(str(parsed.database)) if parsed.get_backend_name() == "sqlite" else None


@asynccontextmanager
async def opened(url: str, *, transaction_timeout: float = TRANSACTION_SECONDS) -> AsyncIterator[Store]:
    store = open_store(parse_url(url), pool_size=1, transaction_timeout=transaction_timeout)
    try:
        yield store
    finally:
        await store.close()


async def _migrate(url: str, unit: Callable[[Connection], None]) -> None:
    async with opened(url, transaction_timeout=UPGRADE_SECONDS) as store:
        await store.write(unit)


def _run_alembic(verb: str, revision: str, *, connection: Connection) -> None:
    # Alembic takes a third of a second to import, and most starts have nothing to migrate.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    quiet_libraries()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    if connection.dialect.name != "sqlite":
        _lock(connection)
    getattr(command, verb)(config, revision)


def _lock(connection: Connection) -> None:
    """Held until the connection closes, after the commit: the next upgrade must see which revision this one made."""
    connection.exec_driver_sql(f"SET lock_wait_timeout={LOCK_SECONDS}")
    taken = connection.execute(text("SELECT GET_LOCK(:name, :seconds)"), {"name": LOCK, "seconds": LOCK_SECONDS})
    if not taken.scalar():
        raise Conflict(f"another program has been changing this schema for {LOCK_SECONDS} s; try again when it is done")
