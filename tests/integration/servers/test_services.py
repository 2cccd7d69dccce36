"""`scripts/services`: starting twice is starting once, and a wrong word is answered in one line."""

import pytest

from support.services import run_services


@pytest.mark.parametrize("name", ["redis", "etcd", "kafka"])
def test_a_server_that_runs_is_not_started_again(name):
    run_services("up", name)
    before = _line_of(name)

    run_services("up", name)

    assert ": running on 127.0.0.1:" in before
    assert _line_of(name) == before


def test_an_unknown_server_is_refused_with_the_names_there_are():
    answer = run_services("up", "postgres")

    assert answer.returncode == 1
    assert answer.stderr == "unknown server 'postgres': mariadb mysql redis etcd kafka\n"


def test_an_unknown_verb_shows_the_verbs_there_are():
    answer = run_services("begin")

    assert answer.returncode == 2
    assert "scripts/services up" in answer.stderr


def _line_of(name: str) -> str:
    lines = run_services("status").stdout.splitlines()
    return next(line for line in lines if line.startswith(f"{name}:"))
