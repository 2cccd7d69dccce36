"""What each database says of itself."""

from distributedjob.cli.checks import Verdict, check_database
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
    assert Verdict.FAIL not in {finding.verdict for finding in await check_database(database_url)}


async def test_a_database_without_the_schema_is_pointed_to_the_command(mariadb_url):
    [finding] = [finding for finding in await check_database(mariadb_url) if finding.check == "schema"]
    assert "distributedjob db upgrade" in finding.advice
