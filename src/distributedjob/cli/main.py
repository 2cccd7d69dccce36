"""The command `distributedjob`: its groups, and the one place where every failure becomes an exit code.

A start takes as long as its imports: a command module imports libraries of any weight inside its functions.
"""

import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, TextIO

import typer

from distributedjob import __version__
from distributedjob.cli import (
    admin,
    backups,
    cron,
    database,
    doctor,
    executions,
    levers,
    login,
    node,
    queues,
    serve,
    stops,
    tasks,
    tokens,
)
from distributedjob.cli.exit_codes import ExitCode
from distributedjob.cli.failures import report_bug, report_problem
from distributedjob.model.errors import Problem

app = typer.Typer(
    help="A task scheduler that records every due fire and calls your endpoints.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (serve.serve, doctor.doctor, login.login, login.logout, backups.backup, backups.restore):
    app.command()(command)
for group in (
    tasks.app,
    executions.app,
    node.app,
    queues.app,
    stops.app,
    levers.app,
    cron.app,
    tokens.app,
    database.app,
    admin.app,
):
    app.add_typer(group)


def run() -> None:
    """Entry point. Ends the process with a documented exit code; no traceback reaches the user."""
    sys.stdout, sys.stderr = _writable(sys.stdout), _writable(sys.stderr)
    code = _exit_code()
    try:
        sys.stdout.flush()
    except OSError as error:
        code = code or report_problem(Problem(f"the output cannot be written: {error.strerror}"))
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the interpreter tries again at its end
    sys.exit(code)


def _writable(stream: TextIO | None) -> TextIO:
    """A parent may have closed the stream, which libraries expect, or its encoding may know too few letters."""
    if stream is None:
        return Path(os.devnull).open("w", encoding="utf-8")
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")
    return stream


def _exit_code() -> int:
    try:
        app(prog_name="distributedjob")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.OK
    except Problem as problem:
        return report_problem(problem)
    except OSError as error:
        return report_problem(Problem(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"))
    except Exception as error:  # noqa: BLE001 - the last line before the user
        return report_bug(error)
    return ExitCode.OK


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"distributedjob {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """A task scheduler that records every due fire and calls your endpoints."""
