"""The model follows the code: each step names functions that exist, and the conditions it assumes are in the SQL."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from model import setups
from model.step import STEPS
from model.world import NAMES, NEW

SOURCE = Path(__file__).parents[2] / "src" / "distributedjob"

ENVIRONMENT = {
    "arrives late or never": {"lose_hint"},
    "people and time": {"deadline_passes"},
    "machines": {"crash", "freeze", "thaw", "scheduler_dies", "scheduler_freezes", "scheduler_thaws"},
    "only in broken variants": {"pay", "resend"},
}
"""Steps that no code of the program makes."""

CONDITIONS = {
    "claim": (
        "e.fence = j.fence",
        "e.state = 1",
        "e.cancel_asked = 0",
        "e.deadline_at >",
        "e.fence + 1",
        "e.attempt + 1",
    ),
    "claimed": ("e.fence = j.fence + 1", "e.state = 3", "e.holder =", "e.claimed_at ="),
    "mark": ("e.holder = j.holder", "e.fence = j.fence", "e.state = 3", "e.cancel_asked = 0"),
    "finish": (
        "e.state = 3",
        "e.holder = j.holder",
        "e.fence = j.fence",
        "e.cancel_asked = 1",
        "e.attempt - j.given_back",
    ),
    "rescue": ("e.state = 3", "e.holder = j.holder", "e.fence = j.fence", "e.fence + 1", "e.cancel_asked = 1"),
    "finish_rescued": (
        "e.state = 1",
        "e.holder = j.holder",
        "e.fence = j.fence + 1",
        "e.attempt = j.attempt",
        "j.state IN (10, 11)",
        "e.cancel_asked = 0",
    ),
    "finished": ("e.holder = j.holder", "e.fence = j.fence", "e.state <> 3"),
}


@cache
def parsed(module: str) -> ast.Module:
    path = SOURCE.joinpath(*module.split(".")).with_suffix(".py")
    return ast.parse(path.read_text())


def named(node: ast.AST) -> str:
    """What a definition or an assignment to one name defines."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
    return ""


def exists(name: str) -> bool:
    module, _, path = name.partition(":")
    node: ast.AST = parsed(module)
    for part in path.split("."):
        found = [child for child in ast.iter_child_nodes(node) if named(child) == part]
        if not found:
            return False
        node = found[0]
    return True


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


TIES = sorted({(step.name, name) for step in STEPS.values() for name in step.code})


@pytest.mark.parametrize(("step", "name"), TIES, ids=[f"{step}-{name}" for step, name in TIES])
def test_a_step_names_code_that_exists(step: str, name: str) -> None:
    assert exists(name)


def test_only_the_environment_has_no_code() -> None:
    assert {step.name for step in STEPS.values() if not step.code} == set().union(*ENVIRONMENT.values())


def test_the_states_are_numbered_as_in_the_program() -> None:
    (state,) = (node for node in parsed("model.execution").body if named(node) == "State")
    theirs = {a.targets[0].id.lower(): a.value.value for a in ast.walk(state) if isinstance(a, ast.Assign)}
    ours = {name: number for number, name in NAMES.items() if number != NEW}
    assert ours.items() <= theirs.items()


@pytest.mark.parametrize("statement", CONDITIONS)
def test_a_hot_statement_has_the_conditions_that_the_model_assumes(statement: str) -> None:
    (texts,) = (node for node in parsed("store.hot.texts").body if named(node) == "texts")
    pairs = [
        pair
        for node in ast.walk(texts)
        if isinstance(node, ast.Dict)
        for pair in zip(node.keys, node.values, strict=True)
    ]
    (sql,) = (ast.unparse(value) for key, value in pairs if isinstance(key, ast.Constant) and key.value == statement)
    missing = [words for words in CONDITIONS[statement] if words not in re.sub(r"\s+", " ", sql)]
    assert missing == []


def test_the_model_imports_nothing_of_the_program() -> None:
    imported = set()
    for path in Path(setups.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").split(".")[0])
            elif isinstance(node, ast.Import):
                imported.update(alias.name.split(".")[0] for alias in node.names)
    assert "distributedjob" not in imported
