"""`login`: a password once, from then on an API token in a file of the user's own, until `logout`."""

import getpass
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from distributedjob.cli.online import ServerOption
from distributedjob.cli.passwords import PasswordStdinOption, UsernameOption, read_password
from distributedjob.model.errors import Conflict, Unauthenticated

if TYPE_CHECKING:
    from distributedjob.cli.client import Client

TOKENS = "/v1/auth/tokens"
NAME_LENGTH = 64


def login(
    *,
    server: ServerOption = None,
    username: UsernameOption = "admin",
    password_stdin: PasswordStdinOption = False,
    token: Annotated[str | None, typer.Option(help="Keep this API token instead of asking for a password.")] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long the login lasts.")] = 30,
) -> None:
    """Log in to a server, and keep the server's address and a token for the commands that follow."""
    from distributedjob.cli import connection  # noqa: PLC0415
    from distributedjob.cli.client import Client  # noqa: PLC0415

    address = connection.resolve(server=server, token=None).server
    if token is None:
        with open_session(address, username=username, password_stdin=password_stdin) as client:
            token = str(_replace_token(client, name=_token_name(), days=days)["token"])
    with Client(connection.Connection(address, token)) as client:
        me = client.get("/v1/auth/userinfo")
    path = connection.store(connection.Connection(address, token))
    typer.echo(f"Logged in to {address} as {me['username']}; kept in {path}.", err=True)


def logout() -> None:
    """Log out: end the stored token on its server, for all who use it, and delete it here."""
    from distributedjob.cli import connection  # noqa: PLC0415
    from distributedjob.cli.client import Client  # noqa: PLC0415

    stored = connection.find_stored()
    if stored is None:
        typer.echo("You are not logged in.", err=True)
        return
    with Client(stored) as client, suppress(Unauthenticated):
        client.post("/v1/auth/logout")
    connection.forget()
    typer.echo(f"Logged out of {stored.server}.", err=True)


def open_session(address: str, *, username: str, password_stdin: bool) -> "Client":
    """A client that acts as a person who has just proved a password; the caller closes it."""
    from distributedjob.cli.client import Client  # noqa: PLC0415
    from distributedjob.cli.connection import Connection  # noqa: PLC0415

    password = read_password(f"Password of {username} at {address}", from_stdin=password_stdin)
    with Client(Connection(address, None)) as stranger:
        answer = stranger.post("/v1/auth/login", {"username": username, "password": password})
    return Client(Connection(address, str(answer["access_token"])))


def _replace_token(client: "Client", *, name: str, days: int) -> dict[str, Any]:
    """A new token under this machine's name; the one of an earlier login here ends."""
    wanted = {"name": name, "days": days}
    try:
        created: dict[str, Any] = client.post(TOKENS, wanted)
    except Conflict:
        for token in client.get(TOKENS)["items"]:
            if token["name"] == name:
                client.delete(f"{TOKENS}/{token['id']}")
        created = client.post(TOKENS, wanted)
    return created


def _token_name() -> str:
    return f"cli {getpass.getuser()}@{socket.gethostname()}"[:NAME_LENGTH]
