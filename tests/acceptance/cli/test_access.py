"""Logging in, tokens, and servers that cannot be reached."""

import json
import socket

import pytest


@pytest.fixture
def logged_in(stranger, module_program):
    stranger.ok(
        "login", "--server", module_program.base_url, "--password-stdin", stdin=f"{module_program.admin_password}\n"
    )
    return stranger


def test_after_a_login_no_server_and_no_token_are_named(logged_in):
    logged_in.ok("task", "list")


def test_the_login_is_readable_by_its_owner_alone(logged_in):
    [file] = (logged_in.home / "distributedjob").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_password_is_not_kept(logged_in, module_program):
    [file] = (logged_in.home / "distributedjob").iterdir()
    assert module_program.admin_password not in file.read_text()


def test_a_second_login_replaces_the_token_of_the_first(logged_in, module_program):
    before = len(logged_in.json("token", "list"))
    logged_in.ok("login", "--password-stdin", stdin=f"{module_program.admin_password}\n")
    assert len(logged_in.json("token", "list")) == before


def test_a_wrong_password_ends_with_4(stranger, module_program):
    done = stranger.run("login", "--server", module_program.base_url, "--password-stdin", stdin="not-the-password\n")
    assert done.returncode == 4


def test_after_a_logout_nobody_is_logged_in_here_or_on_the_server(logged_in, module_program):
    [file] = (logged_in.home / "distributedjob").iterdir()
    token = json.loads(file.read_text())["token"]
    logged_in.ok("logout")
    again = logged_in.run("task", "list", "--server", module_program.base_url, "--token", token)

    assert (file.exists(), again.returncode) == (False, 4)
    assert "not logged in" in logged_in.run("logout").stderr


def test_a_login_without_a_terminal_or_a_password_says_how(stranger, module_program):
    done = stranger.run("login", "--server", module_program.base_url)
    assert done.returncode == 2
    assert "--password-stdin" in done.stderr


def test_without_a_login_the_way_in_is_named(stranger, module_program):
    done = stranger.run("task", "list", "--server", module_program.base_url)
    assert done.returncode == 4
    assert "distributedjob login" in done.stderr


def test_a_token_serves_until_it_is_revoked(logged_in, module_program):
    password = f"{module_program.admin_password}\n"
    token = logged_in.ok("token", "create", "deploy", "--password-stdin", stdin=password).strip()
    assert logged_in.run("task", "list", DISTRIBUTEDJOB_TOKEN=token).returncode == 0
    logged_in.ok("token", "revoke", "deploy")
    assert logged_in.run("task", "list", DISTRIBUTEDJOB_TOKEN=token).returncode == 4


def test_revoking_an_unknown_token_ends_with_3(logged_in):
    assert logged_in.run("token", "revoke", "nobody").returncode == 3


def test_a_server_that_is_away_ends_with_5(stranger, free_port):
    done = stranger.run("task", "list", "--server", f"http://127.0.0.1:{free_port}")
    assert done.returncode == 5
    assert "distributedjob serve" in done.stderr


def test_a_server_of_another_kind_is_a_clear_error(stranger, http_target):
    done = stranger.run("task", "list", "--server", http_target.url("").rstrip("/"), "--token", "dj_x")
    assert done.returncode == 1
    assert "is it a DistributedJob server?" in done.stderr


def test_an_address_that_is_none_ends_with_2(stranger):
    assert stranger.run("task", "list", "--server", "ftp://there").returncode == 2


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(cli):
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        assert cli.run("task", "list", HTTP_PROXY=address, http_proxy=address).returncode == 0
