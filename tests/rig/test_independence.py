"""The rig and the campaigns on it share nothing with the program: not one import."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
FILES = sorted(file for folder in ("rig", "faults", "cluster") for file in (TESTS / folder).rglob("*.py"))


def imported_names(source: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(TESTS)))
def test_a_file_of_the_rig_imports_nothing_of_the_program(file: Path) -> None:
    assert "distributedjob" not in imported_names(file.read_text())


def test_an_import_of_the_program_would_be_seen() -> None:
    assert "distributedjob" in imported_names("def f():\n    from distributedjob.timing import cron\n")
