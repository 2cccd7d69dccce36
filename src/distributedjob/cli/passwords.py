"""Passwords come from the terminal without an echo, or from stdin; never from the command line, which others see."""

import sys
from typing import Annotated

import typer

from distributedjob.model.errors import Invalid

UsernameOption = Annotated[str, typer.Option("--username", "-u", help="Who logs in.")]
PasswordStdinOption = Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")]


def read_password(prompt: str, *, from_stdin: bool) -> str:
    """One line of stdin, or what is typed. Raises Invalid where nobody can type."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    _require_terminal()
    return str(typer.prompt(prompt, hide_input=True, err=True))


def read_new_password(prompt: str, *, from_stdin: bool) -> str:
    """As `read_password`, typed twice."""
    if from_stdin:
        return read_password(prompt, from_stdin=True)
    _require_terminal()
    return str(typer.prompt(prompt, hide_input=True, err=True, confirmation_prompt=True))


def _require_terminal() -> None:
    if not sys.stdin.isatty():
        raise Invalid.one("password", "nobody can type here; pass it by --password-stdin")
