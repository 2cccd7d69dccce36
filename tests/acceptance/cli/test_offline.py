"""Commands that need no server: cron, help, version."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"alembic", "fastapi", "httpx2", "pydantic", "rich", "sqlalchemy", "structlog", "uvicorn", "yaml"}


def test_a_preview_shows_what_the_clocks_do(stranger):
    after = "2026-03-28T12:00:00Z"
    [fire] = stranger.json(
        "cron", "preview", "30 2 * * *", "--time-zone", "Europe/Berlin", "--after", after, "--count", "1"
    )["fires"]
    assert fire == {"at": "2026-03-29T01:00:00Z", "local": "2026-03-29T03:00:00+02:00", "flags": ["dst_gap"]}


@pytest.mark.parametrize(("rule", "local"), [("skip", "2026-03-30T02:30"), ("shift_by_gap", "2026-03-29T03:30")])
def test_a_preview_follows_the_gap_rule(stranger, rule, local):
    options = ("--time-zone", "Europe/Berlin", "--after", "2026-03-28T12:00:00Z", "--count", "1", "--dst-gap", rule)
    [fire] = stranger.json("cron", "preview", "30 2 * * *", *options)["fires"]
    assert fire["local"].startswith(local)


def test_a_zone_in_front_of_the_expression_counts(stranger):
    shown = stranger.json("cron", "preview", "CRON_TZ=Asia/Tokyo 0 9 * * *", "--count", "1")
    assert shown["fires"][0]["local"].endswith("T09:00:00+09:00")


def test_an_expression_is_explained_in_english(stranger):
    assert "09:00" in stranger.ok("cron", "explain", "0 9 * * MON")


def test_an_expression_is_explained_in_chinese(stranger):
    assert "周一" in stranger.ok("cron", "explain", "0 9 * * MON", "--language", "zh")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("61 * * * *",), "minute field: 61 is out of range, allowed 0-59"),
        (("0 0 30 2 *",), "never fires"),
        (("* * * * *", "--time-zone", "Europe/Berln"), "did you mean Europe/Berlin"),
        (("* * *",), "fields"),
    ],
)
def test_a_broken_expression_ends_with_2_and_says_why(stranger, arguments, message):
    done = stranger.run("cron", "explain", *arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_an_instant_that_is_none_ends_with_2(stranger):
    assert stranger.run("cron", "preview", "* * * * *", "--after", "tomorrow").returncode == 2


def test_a_command_that_does_not_exist_ends_with_2(stranger):
    assert stranger.run("tsak").returncode == 2


def test_the_version_is_printed(stranger):
    assert stranger.ok("--version").startswith("distributedjob ")


def test_help_loads_no_library_of_any_weight():
    # That is what keeps it under 0.3 s; the time itself cannot be tested on a machine that others use.
    code = (
        "import atexit, sys\n"
        f"heavy = {HEAVY!r}\n"
        "atexit.register(lambda: print('loaded', sorted(heavy & sys.modules.keys())))\n"
        "from distributedjob.cli.main import app\n"
        "app(['--help'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.endswith("loaded []\n")


def test_a_reader_that_has_gone_is_no_traceback(stranger):
    writer = stranger.start("cron", "preview", "* * * * * *", "--count", "1000")
    writer.stdout.readline()
    writer.stdout.close()
    assert writer.stderr.read() == ""
    writer.stderr.close()
    writer.wait(timeout=60)


def test_a_full_disk_is_a_clear_error(stranger):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "distributedjob", "cron", "explain", "0 9 * * *", "--output", "json"],
            env=stranger.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.endswith("No space left on device\n")
    assert len(done.stderr.splitlines()) == 1


def test_a_closed_output_is_no_traceback(stranger):
    shell = f"{sys.executable} -m distributedjob cron explain '0 9 * * *' >&- 2>&-"
    assert subprocess.run(shell, shell=True, env=stranger.environment, timeout=60, check=False).returncode == 0


def test_letters_that_the_terminal_lacks_are_replaced(stranger):
    done = stranger.run("cron", "explain", "0 9 * * *", "--language", "zh", PYTHONIOENCODING="latin-1")
    assert done.returncode == 0
    assert "?" in done.stdout
