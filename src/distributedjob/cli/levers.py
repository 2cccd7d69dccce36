"""`lever …`: what is changed for the whole cluster while it runs."""

from typing import Annotated

import typer

from distributedjob.cli.cluster_layouts import LEVER_COLUMNS
from distributedjob.cli.online import Session, online
from distributedjob.cli.output import Format, print_json, print_rows

app = typer.Typer(
    name="lever", help="Levers: values for the whole cluster, changed while it runs.", no_args_is_help=True
)

LEVERS = "/v1/levers"
NameArgument = Annotated[str, typer.Argument(metavar="LEVER", help="catchup_rate or min_version.")]


@app.command("list")
@online
def list_levers(session: Session) -> None:
    """Show the levers, and who set them."""
    found = session.client.get(LEVERS)["items"]
    if session.output is Format.JSON:
        print_json(found)
    else:
        print_rows(found, columns=LEVER_COLUMNS, nothing="There are no levers.")


@app.command("set")
@online
def set_lever(session: Session, name: NameArgument, value: Annotated[str, typer.Argument(help="Its value.")]) -> None:
    """Set a lever. catchup_rate: missed fires caught up per second; min_version: older nodes do not start."""
    body = {"value": int(value) if value.isascii() and value.isdigit() else value}
    _report(session, session.client.put(_path(name), body))


@app.command("reset")
@online
def reset_lever(session: Session, name: NameArgument) -> None:
    """Reset a lever to its default."""
    _report(session, session.client.delete(_path(name)))


def _path(name: str) -> str:
    from distributedjob.cli.client import segment  # noqa: PLC0415 - the HTTP client is slow to load

    return f"{LEVERS}/{segment(name)}"


def _report(session: Session, lever: dict[str, object]) -> None:
    if session.output is Format.JSON:
        print_json(lever)
    else:
        value = lever["value"] if lever["value"] is not None else "not set"
        typer.echo(f"{lever['name']}: {value}")
