"""The schema's way up and down on every database, and what happens when it does not fit the program."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from distributedjob.model.errors import Conflict
from distributedjob.store import schema
from distributedjob.store.installation import find_oldest_program
from distributedjob.store.open import open_store, parse_url
from distributedjob.store.tables import metadata

NEXT_REVISION = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "{after}", "{before}"
def upgrade():
    with op.batch_alter_table("task") as batch:
        batch.add_column(sa.Column("colour", sa.String(8)))
"""


def table_names(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "target_metadata": metadata})
    return compare_metadata(context, metadata)


def collations(connection: Connection) -> set[str]:
    rows = connection.exec_driver_sql(
        "SELECT DISTINCT table_collation FROM information_schema.tables WHERE table_schema = DATABASE() "
        "AND table_name <> 'alembic_version'"
    )
    return {row[0] for row in rows}


async def look(url: str, unit):
    store = open_store(parse_url(url))
    try:
        return await store.read(unit)
    finally:
        await store.close()


def stamp(path: Path, revision: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


@pytest.fixture
async def newer_program(sqlite_url, tmp_path, monkeypatch):
    """A database of this program, met by one that has a revision more: (the database's, the program's)."""
    await schema.upgrade(sqlite_url)
    before, after = schema.head(), f"{len(schema.revisions()) + 1:04}"
    migrations = tmp_path / "migrations"
    shutil.copytree(schema.MIGRATIONS, migrations)
    (migrations / "versions" / f"{after}_next.py").write_text(NEXT_REVISION.format(before=before, after=after))
    monkeypatch.setattr(schema, "MIGRATIONS", migrations)
    return before, after


def test_the_numbered_files_are_alembics_own_order():
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert schema.revisions() == tuple(script.revision for script in reversed(list(scripts.walk_revisions())))


async def test_an_empty_database_has_no_revision(database_url):
    assert await schema.find_revision(database_url) is None


async def test_an_upgrade_reaches_the_head(database_url):
    await schema.upgrade(database_url)
    assert await schema.find_revision(database_url) == schema.head()


async def test_an_upgrade_makes_exactly_the_tables_of_the_program(database_url):
    await schema.upgrade(database_url)
    assert await look(database_url, differences) == []


async def test_a_second_upgrade_changes_nothing(database_url):
    await schema.upgrade(database_url)
    await schema.upgrade(database_url)
    assert await schema.find_revision(database_url) == schema.head()


async def test_a_downgrade_to_the_base_leaves_no_table_of_ours(database_url):
    await schema.upgrade(database_url)
    await schema.downgrade(database_url)
    assert await look(database_url, table_names) == {"alembic_version"}


async def test_the_way_down_and_up_again_ends_where_it_began(database_url):
    await schema.upgrade(database_url)
    await schema.downgrade(database_url)
    await schema.upgrade(database_url)
    assert await look(database_url, differences) == []


@pytest.mark.parametrize("server", ["mariadb", "mysql"])
async def test_names_are_compared_byte_by_byte_on_servers(request, server):
    url = request.getfixturevalue(f"{server}_url")
    await schema.upgrade(url)
    assert await look(url, collations) == {"utf8mb4_bin"}


async def test_a_failed_upgrade_leaves_an_sqlite_file_as_it_was(sqlite_url):
    with closing(sqlite3.connect(path_of(sqlite_url))) as connection, connection:
        connection.execute("CREATE TABLE task (id INTEGER)")
    with pytest.raises(Exception, match="already exists"):
        await schema.upgrade(sqlite_url)
    assert await look(sqlite_url, table_names) == {"task"}


async def test_a_schema_newer_than_the_program_is_not_upgraded_by_it(sqlite_url):
    await schema.upgrade(sqlite_url)
    stamp(path_of(sqlite_url), "9999")
    with pytest.raises(Conflict, match="9999, newer than this program"):
        await schema.upgrade(sqlite_url)


async def test_a_start_on_a_new_sqlite_file_makes_the_schema_without_a_backup(sqlite_url):
    assert await schema.prepare(sqlite_url, backup_dir=path_of(sqlite_url).parent / "backups") is None
    assert await schema.find_revision(sqlite_url) == schema.head()


async def test_a_start_on_an_older_sqlite_file_upgrades_it(sqlite_url, tmp_path, newer_program):
    await schema.prepare(sqlite_url, backup_dir=tmp_path / "backups")
    assert await schema.find_revision(sqlite_url) == newer_program[1]


async def test_a_start_on_an_older_sqlite_file_copies_it_first(sqlite_url, tmp_path, newer_program):
    copy = await schema.prepare(sqlite_url, backup_dir=tmp_path / "backups")
    assert await schema.find_revision(f"sqlite:///{copy}") == newer_program[0]


@pytest.mark.parametrize("server", ["mariadb", "mysql"])
async def test_a_start_on_a_server_without_the_schema_names_the_command(request, server, tmp_path):
    url = request.getfixturevalue(f"{server}_url")
    with pytest.raises(Conflict, match="distributedjob db upgrade"):
        await schema.prepare(url, backup_dir=tmp_path)


@pytest.mark.parametrize("server", ["mariadb", "mysql"])
async def test_two_upgrades_at_once_both_end_well(request, server):
    url = request.getfixturevalue(f"{server}_url")
    await asyncio.gather(schema.upgrade(url), schema.upgrade(url))
    assert await look(url, differences) == []


def note_oldest(path: Path, version: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE installation SET content = ? WHERE name = 'oldest_program'", (version.encode(),))


async def test_an_upgrade_notes_the_oldest_program_that_may_work_on_it(database_url):
    await schema.upgrade(database_url)
    assert await look(database_url, find_oldest_program) == schema.OLDEST_PROGRAM


async def test_a_newer_schema_that_allows_this_program_is_worked_on(sqlite_url, tmp_path):
    await schema.upgrade(sqlite_url)
    stamp(path_of(sqlite_url), "9999")
    assert await schema.prepare(sqlite_url, backup_dir=tmp_path) is None
    assert await schema.find_revision(sqlite_url) == "9999"


async def test_a_newer_schema_that_asks_for_a_newer_program_is_refused(sqlite_url, tmp_path):
    await schema.upgrade(sqlite_url)
    stamp(path_of(sqlite_url), "9999")
    note_oldest(path_of(sqlite_url), "99.0.0")
    with pytest.raises(Conflict, match="9999, newer than this program"):
        await schema.prepare(sqlite_url, backup_dir=tmp_path)


async def test_the_queues_of_tasks_are_found_in_their_revisions(database_url):
    await schema.upgrade(database_url)
    await schema.downgrade(database_url, revision="0001")

    def write(connection: Connection) -> None:
        for number, queue in ((1, '"queue": "slow",'), (2, "")):
            task = (number, 1, f"task {number}", 3, 1, 0, 0, "me")
            connection.exec_driver_sql(
                "INSERT INTO task (id, department_id, name, revision, enabled, created_at, updated_at, updated_by) "
                f"VALUES {task}"
            )
            connection.exec_driver_sql(
                "INSERT INTO task_revision (task_id, revision, definition, created_at, created_by) "
                f"VALUES ({number}, 3, '{{{queue} \"name\": \"x\"}}', 0, 'me')"
            )

    store = open_store(parse_url(database_url))
    await store.write(write)
    await store.close()
    await schema.upgrade(database_url)
    rows = await look(database_url, lambda c: c.exec_driver_sql("SELECT queue FROM task ORDER BY id").scalars().all())
    assert rows == ["slow", "default"]
