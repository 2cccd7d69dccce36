"""`stop …`: stop switches, for the minutes in which something must not be called."""

from typing import Annotated, Any

import typer

from distributedjob.cli.cluster_layouts import STOP_COLUMNS
from distributedjob.cli.online import Session, online
from distributedjob.cli.output import Format, print_json, print_rows
from distributedjob.cli.spans import span_of
from distributedjob.model.errors import Invalid, NotFound
from distributedjob.model.instant import SECOND

app = typer.Typer(
    name="stop",
    help="Stop switches: no call of the cluster, a department, a target or a queue begins.",
    no_args_is_help=True,
)

STOPS = "/v1/stops"
SCOPES = ("cluster", "department", "target", "queue")

ScopeArgument = Annotated[str, typer.Argument(metavar="SCOPE", help=f"{', '.join(SCOPES)}.")]
SubjectArgument = Annotated[
    str, typer.Argument(metavar="[SUBJECT]", help="A department's id, a target's URL, a queue's name.")
]


@app.command("set")
@online
def set_stop(
    session: Session,
    scope: ScopeArgument,
    subject: SubjectArgument = "",
    *,
    reason: Annotated[str, typer.Option(help="Shown to everybody whose run is refused.")],
    span: Annotated[
        str | None, typer.Option("--for", metavar="SPAN", help="Lift it by itself after 90s, 15m, 12h, 30d.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="Lift it by itself at this RFC 3339 instant.")
    ] = None,
) -> None:
    """Stop the whole cluster, a department, a target (scheme, host and port of a URL) or a queue, on every node.

    Fires that become due are recorded as skipped; runs by hand are refused. What is being called goes on: cancel it
    by 'execution cancel'.
    """
    if scope not in SCOPES:
        raise Invalid.one("scope", f"'{scope}' is none; there are {', '.join(SCOPES)}")
    body: dict[str, Any] = {"scope": scope, "subject": subject, "reason": reason}
    if until is not None:
        body["expires_at"] = until
    if span is not None:
        body["expires_in_seconds"] = span_of(span, option="--for") // SECOND
    stop = session.client.post(STOPS, body)
    if session.output is Format.JSON:
        print_json(stop)
    else:
        end = f"until {stop['expires_at']}" if stop["expires_at"] else f"until '{_lift_command(stop)}'"
        typer.echo(f"Stopped {_words(stop)} {end}.")


@app.command("list")
@online
def list_stops(session: Session) -> None:
    """Show what is stopped, by whom, why, and until when."""
    found = session.client.get(STOPS)["items"]
    if session.output is Format.JSON:
        print_json(found)
    else:
        print_rows(found, columns=STOP_COLUMNS, nothing="Nothing is stopped.")


@app.command("lift")
@online
def lift_stop(
    session: Session,
    scope: Annotated[str, typer.Argument(metavar="SCOPE|ID", help=f"{', '.join(SCOPES)}; or the switch's id.")],
    subject: SubjectArgument = "",
) -> None:
    """Lift a stop switch: what waited goes on."""
    found = session.client.get(STOPS)["items"]
    stop = next((each for each in found if each["id"] == scope or _is(each, scope, subject)), None)
    if stop is None:
        raise NotFound(f"{scope} {subject}".rstrip() + " is not stopped; 'distributedjob stop list' shows what is")
    session.client.delete(f"{STOPS}/{stop['id']}")
    if session.output is Format.JSON:
        print_json(stop)
    else:
        typer.echo(f"Lifted the stop of {_words(stop)}.")


def _is(stop: dict[str, Any], scope: str, subject: str) -> bool:
    """A target may be named by any URL of it."""
    if stop["scope"] != scope:
        return False
    return bool(stop["subject"] == (_origin(subject) if scope == "target" else subject))


def _origin(url: str) -> str:
    from distributedjob.targets.urls import origin_of  # noqa: PLC0415 - loads what reads international names

    try:
        return origin_of(url)
    except ValueError as error:
        raise Invalid.one("subject", str(error)) from None


def _words(stop: dict[str, Any]) -> str:
    return "the cluster" if stop["scope"] == "cluster" else f"{stop['scope']} {stop['subject']}"


def _lift_command(stop: dict[str, Any]) -> str:
    return f"distributedjob stop lift {stop['scope']} {stop['subject']}".rstrip()
