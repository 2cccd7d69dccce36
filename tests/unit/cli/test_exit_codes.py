"""The numbers that scripts rely on."""

import pytest

from distributedjob.cli.exit_codes import ExitCode, code_of_problem, code_of_state
from distributedjob.model.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Outdated,
    Problem,
    TooMany,
    Unauthenticated,
    Unavailable,
)


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (Problem("x"), 1),
        (Invalid("x"), 2),
        (NotFound("x"), 3),
        (Unauthenticated("x"), 4),
        (Forbidden("x"), 4),
        (Unavailable("x"), 5),
        (TooMany("x", retry_after=1), 5),
        (Conflict("x"), 6),
        (Outdated("x"), 6),
    ],
)
def test_each_kind_of_problem_has_its_code(problem, code):
    assert code_of_problem(problem) == code


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("succeeded", 0),
        ("failed", 11),
        ("timed_out", 12),
        ("cancelled", 13),
        ("expired", 14),
        ("unknown", 15),
        ("skipped", 16),
        ("missed", 17),
    ],
)
def test_each_outcome_has_its_code(state, code):
    assert code_of_state(state) == code


def test_a_wait_that_ran_out_has_a_code_of_its_own():
    assert ExitCode.STILL_RUNNING not in {code_of_state("failed"), code_of_problem(Unavailable("x"))}
