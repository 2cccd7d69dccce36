"""Flags before environment before the file of `login`; a stored token goes to its own server only."""

import pytest

from distributedjob.cli import connection
from distributedjob.cli.connection import Connection, resolve
from distributedjob.model.errors import Invalid


@pytest.fixture(autouse=True)
def config_home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path


def test_without_anything_it_is_this_machine():
    assert resolve(server=None, token=None) == Connection("http://127.0.0.1:8080", None)


def test_what_login_stored_is_used():
    connection.store(Connection("http://there:1", "secret"))
    assert resolve(server=None, token=None) == Connection("http://there:1", "secret")


def test_a_given_token_wins_over_the_stored_one():
    connection.store(Connection("http://there:1", "secret"))
    assert resolve(server=None, token="other") == Connection("http://there:1", "other")


def test_a_stored_token_is_not_sent_to_another_server():
    connection.store(Connection("http://there:1", "secret"))
    assert resolve(server="http://elsewhere:1", token=None).token is None


def test_a_server_without_a_scheme_is_http():
    assert resolve(server="there:8080/", token=None).server == "http://there:8080"


@pytest.mark.parametrize("server", ["ftp://there", "http://", "://"])
def test_an_address_that_is_none_is_refused(server):
    with pytest.raises(Invalid, match="is not an address"):
        resolve(server=server, token=None)


def test_the_file_is_readable_by_its_owner_alone(config_home):
    path = connection.store(Connection("http://there:1", "secret"))
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_broken_file_is_reported_and_passed_over(config_home, capsys):
    path = connection.store(Connection("http://there:1", "secret"))
    path.write_text("{")
    assert resolve(server=None, token=None).token is None
    assert "cannot be read" in capsys.readouterr().err
