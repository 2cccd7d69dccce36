"""What the doctor says of what it finds."""

import resource
import socket

import pytest

from distributedjob.cli import checks
from distributedjob.cli.checks import MIB, Verdict


def verdicts(findings):
    return {finding.check: finding.verdict for finding in findings}


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
