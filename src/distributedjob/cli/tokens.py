"""`token …`: API tokens for programs, made and revoked by the person they act for."""

from typing import Annotated

import typer

from distributedjob.cli.layouts import TOKEN_COLUMNS
from distributedjob.cli.login import TOKENS, open_session
from distributedjob.cli.online import Session, online
from distributedjob.cli.output import Format, print_json, print_rows
from distributedjob.cli.passwords import PasswordStdinOption, UsernameOption
from distributedjob.model.errors import NotFound

app = typer.Typer(name="token", help="API tokens for programs.", no_args_is_help=True)


@app.command("create")
@online
def create_token(
    session: Session,
    name: Annotated[str, typer.Argument(help="What the token is for.")],
    *,
    days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="How long it is valid.", show_default="for ever")
    ] = None,
    username: UsernameOption = "admin",
    password_stdin: PasswordStdinOption = False,
) -> None:
    """Make a token. Asks for the password, since a token cannot make another. The token is shown once."""
    with open_session(session.client.server, username=username, password_stdin=password_stdin) as client:
        created = client.post(TOKENS, {"name": name, "days": days})
    if session.output is Format.JSON:
        print_json(created)
    else:
        typer.echo(created["token"])
        typer.echo("Keep it now: it is not shown again.", err=True)


@app.command("list")
@online
def list_tokens(session: Session) -> None:
    """List your tokens."""
    tokens = session.client.get(TOKENS)["items"]
    if session.output is Format.JSON:
        print_json(tokens)
    else:
        print_rows(tokens, columns=TOKEN_COLUMNS, nothing="You have no tokens.")


@app.command("revoke")
@online
def revoke_token(
    session: Session, name: Annotated[str, typer.Argument(metavar="TOKEN", help="Its name or id.")]
) -> None:
    """End a token at once."""
    mine = session.client.get(TOKENS)["items"]
    found = next((one for one in mine if name in (one["name"], one["id"])), None)
    if found is None:
        raise NotFound(f"you have no token with the name or id '{name}'; 'distributedjob token list' shows them all")
    session.client.delete(f"{TOKENS}/{found['id']}")
    if session.output is Format.JSON:
        print_json(found)
    else:
        typer.echo(f"Revoked '{found['name']}'.")
