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
