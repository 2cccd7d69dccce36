"""Errors as people read them: on stderr, one sentence, the fields concerned, the way out; never a traceback."""

import sys
import tempfile
import traceback
from contextlib import suppress

from distributedjob.cli.exit_codes import ExitCode, code_of_problem
from distributedjob.model.errors import Invalid, Problem, TooMany, Unauthenticated, Unavailable

LOGIN_FAILED = "login_failed"
LOG_IN = "Log in by 'distributedjob login', or set DISTRIBUTEDJOB_TOKEN."


def report_problem(problem: Problem) -> ExitCode:
    """Write what went wrong and what to do about it; gives the exit code."""
    lines = [f"Error: {problem.message}"]
    if isinstance(problem, Invalid) and not _says_it_all(problem):
        lines += [f"  {error.field}: {error.message}" for error in problem.errors]
    if isinstance(problem, Unauthenticated) and problem.code != LOGIN_FAILED:
        lines.append(LOG_IN)
    if isinstance(problem, TooMany | Unavailable) and problem.retry_after:
        lines.append(f"Try again in {problem.retry_after} s.")
    _write(lines)
    return code_of_problem(problem)


def report_bug(error: Exception) -> ExitCode:
    """Something nobody foresaw: the details go to a file that can be sent to the project."""
    _write(
        [
            f"Error: unexpected {type(error).__name__}: {error}",
            f"This is a fault of the program. Please report it{_keep_details(error)}.",
        ]
    )
    return ExitCode.FAILED


def _keep_details(error: Exception) -> str:
    """Where the details are; nothing where no file can be written, as on a full disk."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="distributedjob-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write("".join(traceback.format_exception(error)))
    except OSError:
        return ""
    return f" with {file.name}"


def _says_it_all(problem: Invalid) -> bool:
    return len(problem.errors) == 1 and problem.errors[0].message in problem.message


def _write(lines: list[str]) -> None:
    # Whoever read our output may be gone; that is no reason for a traceback.
    with suppress(OSError):
        sys.stdout.flush()
    with suppress(OSError):
        sys.stderr.write("\n".join(lines) + "\n")
