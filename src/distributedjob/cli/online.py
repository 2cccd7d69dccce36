"""Commands that talk to a server: the options they share, written once.

`@online` turns `command(session, …)` into a command with `--server`, `--token` and `--output`, which opens the
session, runs the command in it and closes it.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Concatenate

import typer

from distributedjob.cli.output import Format, OutputOption

if TYPE_CHECKING:
    from distributedjob.cli.client import Client

ServerOption = Annotated[
    str | None,
    typer.Option(envvar="DISTRIBUTEDJOB_SERVER", help="The server's address.", show_default="from login"),
]
TokenOption = Annotated[
    str | None,
    typer.Option(envvar="DISTRIBUTEDJOB_TOKEN", help="An API token.", show_default="from login"),
]


@dataclass(frozen=True, slots=True)
class Session:
    client: "Client"
    output: Format


def online(command: Callable[Concatenate[Session, ...], None]) -> Callable[..., None]:
    @wraps(command)
    def wrapped(*arguments: Any, server: str | None, token: str | None, output: Format, **options: Any) -> None:
        from distributedjob.cli.client import Client  # noqa: PLC0415 - the HTTP client is slow to load
        from distributedjob.cli.connection import resolve  # noqa: PLC0415

        with Client(resolve(server=server, token=token)) as client:
            command(Session(client, output), *arguments, **options)

    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    shared = [
        inspect.Parameter("server", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=ServerOption),
        inspect.Parameter("token", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=TokenOption),
        inspect.Parameter("output", inspect.Parameter.KEYWORD_ONLY, default=Format.TABLE, annotation=OutputOption),
    ]
    wrapped.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *shared)}
    return wrapped
