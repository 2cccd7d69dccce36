"""Commands on this machine: doctor, schema, backup, restore, passwords, and settings that are wrong."""

import sqlite3
from contextlib import closing

import pytest

from support.program import pick_free_port

NEW_PASSWORD = "amber-heron-counts-slowly-3"


@pytest.fixture
def data_dir(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def local(stranger, data_dir):
    """Run a command with a data folder of its own."""

    def run(*arguments, **more):
        return stranger.run(*arguments, "--data-dir", str(data_dir), **more)

    return run


def columns(path, sql):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def test_the_doctor_finds_a_fresh_machine_fit(local, free_port):
    done = local("doctor", "--port", str(free_port))
    assert (done.returncode, "fail" in done.stdout) == (0, False)


def test_the_doctor_ends_with_1_where_something_must_be_mended(local, data_dir):
    data_dir.write_text("a file where a folder should be")
    done = local("doctor")
    assert done.returncode == 1
    assert "--data-dir" in done.stdout


def test_the_doctor_names_a_wrong_setting(local):
    done = local("doctor", DISTRIBUTEDJOB_PORT="99999")
    assert done.returncode == 1
    assert "port" in done.stdout


def test_the_doctor_finds_a_server_without_the_schema(local, mariadb_url):
    done = local("doctor", "--database-url", mariadb_url)
    assert done.returncode == 1
    assert "distributedjob db upgrade" in done.stdout


def test_serve_on_a_server_without_the_schema_names_the_command(local, mariadb_url, free_port):
    done = local("serve", "--database-url", mariadb_url, "--port", str(free_port))
    assert done.returncode == 6
    assert "distributedjob db upgrade" in done.stderr


def test_an_upgrade_brings_a_server_to_the_head(local, mariadb_url):
    assert local("db", "upgrade", "--database-url", mariadb_url).returncode == 0
    assert '"up_to_date": true' in local("db", "current", "--database-url", mariadb_url, "--output", "json").stdout


def test_an_upgrade_makes_an_sqlite_file(local, data_dir):
    local("db", "upgrade")
    assert columns(data_dir / "distributedjob.db", "SELECT count(*) FROM alembic_version") == [(1,)]


def test_a_schema_newer_than_the_program_is_refused(local, data_dir, free_port):
    local("db", "upgrade")
    with closing(sqlite3.connect(data_dir / "distributedjob.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("UPDATE installation SET content = ? WHERE name = 'oldest_program'", (b"99.0.0",))
    done = local("serve", "--port", str(free_port))
    assert done.returncode == 6
    assert "newer" in done.stderr


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"DISTRIBUTEDJOB_SLOTS": "nope"}, "slots"),
        ({"DISTRIBUTEDJOB_DATABASE_URL": "postgresql://x/y"}, "is not supported"),
        ({"DISTRIBUTEDJOB_ADMIN_PASSWORD": "changeme"}, "admin_password"),
        ({"DISTRIBUTEDJOB_PROCESSES": "2"}, "SQLite allows one process"),
    ],
)
def test_a_wrong_setting_ends_serve_with_2(local, free_port, settings, message):
    done = local("serve", "--port", str(free_port), **settings)
    assert done.returncode == 2
    assert message in done.stderr


def test_an_unknown_setting_in_the_file_is_named(local, tmp_path):
    (tmp_path / "settings.yaml").write_text("prot: 8080\n")
    done = local("serve", "--config", str(tmp_path / "settings.yaml"))
    assert done.returncode == 2
    assert "prot: there is no such setting" in done.stderr


def test_a_settings_file_that_is_missing_is_named(local, tmp_path):
    assert local("serve", "--config", str(tmp_path / "nowhere.yaml")).returncode == 2


def test_a_second_serve_on_the_same_folder_is_refused(stranger, program):
    done = stranger.run("serve", "--data-dir", str(program.data_dir), "--port", str(pick_free_port()))
    assert done.returncode == 6
    assert f"pid {program.pid}" in done.stderr


def test_a_backup_is_taken_while_the_program_serves(stranger, program, tmp_path):
    stranger.ok("backup", str(tmp_path / "copy.db"), "--data-dir", str(program.data_dir))
    assert columns(tmp_path / "copy.db", "SELECT name FROM user") == [("admin",)]


def test_a_restore_beside_a_running_program_is_refused(stranger, program):
    done = stranger.run("restore", "--fires-before=now", "missed", "--data-dir", str(program.data_dir))
    assert done.returncode == 6


def test_a_restored_backup_accounts_for_the_fires_in_between(stranger, program, tmp_path):
    with program.client() as client:
        schedules = [{"kind": "interval", "every_seconds": 1}]
        target = {"kind": "http", "url": "http://127.0.0.1:9/"}
        client.post("/v1/tasks", json={"name": "s", "target": target, "schedules": schedules}).raise_for_status()
    folder = str(program.data_dir)
    stranger.ok("backup", str(tmp_path / "copy.db"), "--data-dir", folder)
    program.terminate()
    [(cursor,)] = columns(tmp_path / "copy.db", "SELECT next_fire_at FROM schedule")
    restored = ("restore", "--from", str(tmp_path / "copy.db"), "--fires-before=now", "missed", "--yes")
    done = stranger.run(*restored, "--data-dir", folder)
    assert done.returncode == 0, done.stderr
    [(first, last, count)] = columns(
        program.data_dir / "distributedjob.db",
        "SELECT fire_at, range_end, range_count FROM execution WHERE reason = 'restored'",
    )
    assert (first, count) == (cursor, (last - first) // 1_000_000 + 1)


def test_a_forgotten_password_is_replaced(stranger, program):
    folder = str(program.data_dir)
    stranger.ok("admin", "reset-password", "--password-stdin", "--data-dir", folder, stdin=f"{NEW_PASSWORD}\n")
    stranger.ok("login", "--server", program.base_url, "--password-stdin", stdin=f"{NEW_PASSWORD}\n")


def test_a_weak_password_is_refused(local):
    local("db", "upgrade")
    assert local("admin", "reset-password", "--password-stdin", stdin="password1234\n").returncode == 2


def test_a_generated_password_is_printed_once(stranger, program):
    printed = stranger.ok("admin", "reset-password", "--generate", "--data-dir", str(program.data_dir)).strip()
    stranger.ok("login", "--server", program.base_url, "--password-stdin", stdin=f"{printed}\n")


def test_without_a_database_a_password_cannot_be_reset(local):
    done = local("admin", "reset-password", "--generate")
    assert done.returncode == 3
    assert "--data-dir" in done.stderr
