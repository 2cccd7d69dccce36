"""What the doctor says of what it finds in a database."""

import pytest

from distributedjob.cli.checks import Verdict
from distributedjob.cli.database_checks import check_database, judge_facts, judge_revision
from distributedjob.model.instant import SECOND
from distributedjob.store import schema
from distributedjob.store.facts import DatabaseFacts

NEEDED = 17


def facts(**changes):
    sound = {
        "product": "MariaDB",
        "version": (10, 11, 6),
        "version_text": "10.11.6-MariaDB",
        "isolation": "READ COMMITTED",
        "clock_offset": 0,
        "variables": {"innodb_flush_log_at_trx_commit": "1", "read_only": "OFF"},
    }
    return DatabaseFacts(**{**sound, **changes})


def verdicts(findings):
    return {finding.check: finding.verdict for finding in findings}


def test_a_sound_server_has_no_fault():
    assert set(verdicts(judge_facts(facts(), connections=NEEDED)).values()) == {Verdict.OK}


@pytest.mark.parametrize(
    ("changes", "check", "verdict"),
    [
        ({"version": (10, 5)}, "database", Verdict.FAIL),
        ({"product": "MySQL", "version": (5, 7)}, "database", Verdict.FAIL),
        ({"isolation": "REPEATABLE READ"}, "isolation", Verdict.FAIL),
        ({"clock_offset": 3 * SECOND}, "clock", Verdict.WARN),
        ({"clock_offset": -3 * SECOND}, "clock", Verdict.WARN),
        ({"variables": {"innodb_flush_log_at_trx_commit": "2"}}, "durability", Verdict.WARN),
        ({"variables": {"log_bin": "ON", "sync_binlog": "0"}}, "durability", Verdict.WARN),
        ({"variables": {"read_only": "ON"}}, "role", Verdict.FAIL),
        ({"variables": {"innodb_read_only": "ON"}}, "role", Verdict.FAIL),
        ({"replicates": "db-1"}, "role", Verdict.WARN),
        ({"variables": {"max_allowed_packet": "65536"}}, "statements", Verdict.FAIL),
        ({"variables": {"max_allowed_packet": "4194304"}}, "statements", Verdict.WARN),
        ({"variables": {"max_connections": "16"}}, "connections", Verdict.FAIL),
        ({"variables": {"wait_timeout": "28800"}}, "session", Verdict.WARN),
        ({"variables": {"time_zone": "SYSTEM"}}, "session", Verdict.WARN),
        ({"strange_tables": ("task",)}, "tables", Verdict.FAIL),
        ({"variables": {"wsrep_on": "ON"}}, "role", Verdict.WARN),
    ],
)
def test_a_fault_of_a_server_is_found(changes, check, verdict):
    assert verdicts(judge_facts(facts(**changes), connections=NEEDED))[check] == verdict


def test_every_fault_comes_with_a_way_out():
    broken = facts(version=(10, 5), isolation="SERIALIZABLE", clock_offset=9 * SECOND, variables={"read_only": "ON"})
    found = [finding for finding in judge_facts(broken, connections=NEEDED) if finding.verdict is not Verdict.OK]
    assert found
    assert all(finding.advice for finding in found)


@pytest.mark.parametrize(
    ("revision", "upgrades_itself", "verdict"),
    [
        (schema.head(), True, Verdict.OK),
        ("9999", True, Verdict.FAIL),
        (None, True, Verdict.WARN),
        (None, False, Verdict.FAIL),
    ],
)
def test_the_schema_is_compared_with_the_programs(revision, upgrades_itself, verdict):
    assert judge_revision(revision, upgrades_itself=upgrades_itself).verdict == verdict


async def test_an_sqlite_file_that_does_not_exist_yet_is_fine(sqlite_url):
    [finding] = await check_database(sqlite_url, connections=NEEDED)
    assert finding.verdict == Verdict.OK


async def test_a_database_that_cannot_be_reached_is_a_fault(free_port):
    [finding] = await check_database(f"mysql://u:p@127.0.0.1:{free_port}/x", connections=NEEDED)
    assert finding.verdict == Verdict.FAIL
    assert finding.advice


async def test_a_url_that_is_none_is_a_fault():
    [finding] = await check_database("postgresql://x/y", connections=NEEDED)
    assert finding.verdict == Verdict.FAIL
