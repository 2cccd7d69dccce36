"""The command `distributedjob`: its groups, and the one place where every failure becomes an exit code.

A start takes as long as its imports: a command module imports libraries of any weight inside its functions.
"""

import sys
from typing import Annotated

import typer

from distributedjob import __version__
from distributedjob.cli import (
    admin,
    backups,
    cron,
    database,
    doctor,
    executions,
    login,
    serve,
    tasks,
    tokens,
)
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
for command in (serve.serve, doctor.doctor, login.login, backups.backup, backups.restore):
    app.command()(command)
for group in (tasks.app, executions.app, cron.app, tokens.app, database.app, admin.app):
    app.add_typer(group)


def run() -> None:
    """Entry point. Ends the process with a documented exit code; no traceback reaches the user."""
    try:
        app(prog_name="distributedjob")
    except Problem as problem:
        sys.exit(report_problem(problem))
    except Exception as error:  # noqa: BLE001 - the last line before the user
        sys.exit(report_bug(error))


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
