import pytest

from distributedjob.config import list_unknown_variables, load_settings
from distributedjob.model.errors import Invalid


@pytest.fixture(autouse=True)
def no_settings_of_the_tester(monkeypatch):
    for name in list_unknown_variables():
        monkeypatch.delenv(name)


def test_a_misspelt_variable_is_found(monkeypatch):
    monkeypatch.setenv("DISTRIBUTEDJOB_DRAIN_TIMEOUT", "5")

    assert list_unknown_variables() == ["DISTRIBUTEDJOB_DRAIN_TIMEOUT"]


@pytest.mark.parametrize("name", ["DISTRIBUTEDJOB_PORT", "distributedjob_port", "DISTRIBUTEDJOB_TOKEN", "PORT"])
def test_a_setting_and_what_the_command_line_reads_are_known(monkeypatch, name):
    monkeypatch.setenv(name, "8080")

    assert list_unknown_variables() == []


def test_flags_win_over_the_environment(monkeypatch):
    monkeypatch.setenv("DISTRIBUTEDJOB_PORT", "18001")

    assert load_settings(port=18002).port == 18002


def test_the_environment_wins_over_the_file(monkeypatch, tmp_path):
    monkeypatch.setenv("DISTRIBUTEDJOB_PORT", "18001")
    file = tmp_path / "settings.yaml"
    file.write_text("port: 18003\nslots: 7\n")
    settings = load_settings(config=file)

    assert (settings.port, settings.slots) == (18001, 7)


def test_an_unknown_name_in_the_file_is_refused(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("prot: 18003\n")
    with pytest.raises(Invalid) as refused:
        load_settings(config=file)

    assert [(error.field, error.message) for error in refused.value.errors] == [("prot", "there is no such setting")]


def test_all_wrong_settings_are_named_at_once(monkeypatch):
    monkeypatch.setenv("DISTRIBUTEDJOB_PORT", "eighty")
    monkeypatch.setenv("DISTRIBUTEDJOB_SLOTS", "0")
    with pytest.raises(Invalid) as refused:
        load_settings()

    assert sorted(error.field for error in refused.value.errors) == ["port", "slots"]


def test_several_processes_on_sqlite_are_refused():
    with pytest.raises(Invalid, match="not valid") as refused:
        load_settings(processes=2)

    assert "SQLite allows one process" in refused.value.errors[0].message


@pytest.mark.parametrize("roles", [("api",), ("worker",), ("api", "scheduler")])
def test_roles_that_would_leave_work_undone_on_sqlite_are_refused(roles):
    with pytest.raises(Invalid, match="not valid") as refused:
        load_settings(roles=roles)

    assert "SQLite allows one process, which has to do everything" in refused.value.errors[0].message


def test_roles_may_be_spread_over_nodes_with_a_server():
    assert load_settings(roles=("worker",), database_url="mysql://u:p@db/x").roles == {"worker"}


@pytest.mark.parametrize(
    ("roles", "connections"), [(("api",), 5), (("worker",), 6), (("api", "scheduler", "worker"), 16)]
)
def test_connections_are_counted_by_roles(roles, connections):
    assert load_settings(roles=roles, database_url="mysql://u:p@db/x").connections == connections


def test_a_pool_size_that_is_set_counts_whatever_the_roles():
    assert load_settings(pool_size=3, database_url="mysql://u:p@db/x").connections == 3


@pytest.mark.parametrize("password", ["admin", "short-one-8", "distributedjob", "aaaaaaaaaaaaaaaa"])
def test_the_first_admin_needs_a_password_as_strong_as_any_other(password):
    with pytest.raises(Invalid, match="not valid") as refused:
        load_settings(admin_password=password)

    assert [error.field for error in refused.value.errors] == ["admin_password"]
