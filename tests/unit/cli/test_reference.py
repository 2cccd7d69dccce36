"""docs/cli.md names every command and exit code that there is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from distributedjob.cli.exit_codes import ExitCode, code_of_state
from distributedjob.cli.main import app
from distributedjob.model.execution import State

REFERENCE = (Path(__file__).parents[3] / "docs" / "cli.md").read_text()


def commands(group, path: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}"


@pytest.mark.parametrize("command", list(commands(typer.main.get_command(app))))
def test_each_command_is_in_the_reference(command):
    assert f"`{command} " in REFERENCE or f"`{command}`" in REFERENCE


@pytest.mark.parametrize(
    "code", sorted({*map(int, ExitCode), *(code_of_state(state.word) for state in State if state.terminal)})
)
def test_each_exit_code_is_in_the_reference(code):
    assert f"| {code} | " in REFERENCE
