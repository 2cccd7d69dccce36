"""What each database says of itself."""

from distributedjob.cli.checks import Verdict
from distributedjob.cli.database_checks import check_database
from distributedjob.model.instant import SECOND
from distributedjob.store import schema
from distributedjob.store.facts import read_facts


async def test_the_version_is_read(database_url):
    facts = await read_facts(database_url)
    assert facts.version > (3,)
    assert facts.product in ("SQLite", "MySQL", "MariaDB")


async def test_the_clock_of_a_server_on_this_machine_is_ours(database_url):
    assert abs((await read_facts(database_url)).clock_offset) < SECOND


async def test_a_database_that_was_upgraded_has_no_fault(database_url):
    await schema.upgrade(database_url)
    assert Verdict.FAIL not in {finding.verdict for finding in await check_database(database_url, connections=17)}


async def test_a_database_without_the_schema_is_pointed_to_the_command(mariadb_url):
    [finding] = [finding for finding in await check_database(mariadb_url, connections=17) if finding.check == "schema"]
    assert "distributedjob db upgrade" in finding.advice


async def test_what_each_connection_asks_for_is_in_force(database_url):
    await schema.upgrade(database_url)
    assert "session" not in {finding.check for finding in await check_database(database_url, connections=17)}


async def test_tables_that_a_restore_made_otherwise_are_a_fault(mariadb_url):
    await schema.upgrade(mariadb_url)
    async with schema.opened(mariadb_url) as store:
        statement = "ALTER TABLE lever CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
        await store.write(lambda c: c.exec_driver_sql(statement) and None)
    [finding] = [found for found in await check_database(mariadb_url, connections=17) if found.check == "tables"]
    assert (finding.verdict, "lever" in finding.message) == (Verdict.FAIL, True)
