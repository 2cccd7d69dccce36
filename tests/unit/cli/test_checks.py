"""What the doctor says of what it finds."""

import resource
import socket

import pytest

from distributedjob.cli import checks
from distributedjob.cli.checks import MIB, Verdict
from distributedjob.model.instant import SECOND
from distributedjob.store import schema
from distributedjob.store.facts import DatabaseFacts


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
    assert set(verdicts(checks.judge_facts(facts())).values()) == {Verdict.OK}


@pytest.mark.parametrize(
    ("changes", "check", "verdict"),
    [
        ({"version": (10, 5)}, "database", Verdict.FAIL),
        ({"product": "MySQL", "version": (5, 7)}, "database", Verdict.FAIL),
        ({"isolation": "REPEATABLE READ"}, "isolation", Verdict.FAIL),
        ({"clock_offset": 3 * SECOND}, "clock", Verdict.WARN),
        ({"clock_offset": -3 * SECOND}, "clock", Verdict.WARN),
        ({"variables": {"innodb_flush_log_at_trx_commit": "2"}}, "durability", Verdict.WARN),
        ({"variables": {"read_only": "ON"}}, "role", Verdict.FAIL),
        ({"variables": {"wsrep_on": "ON"}}, "role", Verdict.WARN),
    ],
)
def test_a_fault_of_a_server_is_found(changes, check, verdict):
    assert verdicts(checks.judge_facts(facts(**changes)))[check] == verdict


def test_every_fault_comes_with_a_way_out():
    broken = facts(version=(10, 5), isolation="SERIALIZABLE", clock_offset=9 * SECOND, variables={"read_only": "ON"})
    assert all(finding.advice for finding in checks.judge_facts(broken) if finding.verdict is not Verdict.OK)


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
    assert checks.judge_revision(revision, upgrades_itself=upgrades_itself).verdict == verdict


@pytest.mark.parametrize(("free", "verdict"), [(10 * MIB, "fail"), (500 * MIB, "warn"), (5000 * MIB, "ok")])
def test_free_space_is_judged(free, verdict):
    assert checks.judge_space(free).verdict == verdict


def test_a_writable_data_directory_is_left_empty(tmp_path):
    assert verdicts(checks.check_data_dir(tmp_path / "new"))["data directory"] == Verdict.OK
    assert list((tmp_path / "new").iterdir()) == []


def test_a_data_directory_that_is_a_file_is_a_fault(tmp_path):
    (tmp_path / "file").write_text("")
    [finding] = checks.check_data_dir(tmp_path / "file")
    assert finding.verdict == Verdict.FAIL


def test_a_free_port_is_fine(free_port):
    assert verdicts(checks.check_port("127.0.0.1", free_port))["port"] == Verdict.OK


def test_a_port_in_use_is_a_warning():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        [finding] = checks.check_port("127.0.0.1", taken.getsockname()[1])
    assert finding.verdict == Verdict.WARN


def test_few_open_files_are_a_warning():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        [finding] = checks.check_open_files()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert finding.verdict == Verdict.WARN


async def test_an_sqlite_file_that_does_not_exist_yet_is_fine(sqlite_url):
    [finding] = await checks.check_database(sqlite_url)
    assert finding.verdict == Verdict.OK


async def test_a_database_that_cannot_be_reached_is_a_fault(free_port):
    [finding] = await checks.check_database(f"mysql://u:p@127.0.0.1:{free_port}/x")
    assert finding.verdict == Verdict.FAIL
    assert finding.advice


async def test_a_url_that_is_none_is_a_fault():
    [finding] = await checks.check_database("postgresql://x/y")
    assert finding.verdict == Verdict.FAIL
