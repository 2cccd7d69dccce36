"""Questions before a step that cannot be undone."""

import sys
from typing import Annotated

import typer

from distributedjob.model.errors import Invalid

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def confirm(question: str, *, yes: bool) -> None:
    """Return only on yes. Where nobody can be asked, the flag must say it."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Invalid.one("--yes", "nobody can be asked here; add --yes to go ahead")
    typer.confirm(question, abort=True, err=True)
