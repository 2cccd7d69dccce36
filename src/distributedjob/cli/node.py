"""`node`: runs one node of several; with a command behind it, looks after those that run."""

import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from distributedjob.cli.cluster_layouts import print_node, print_nodes
from distributedjob.cli.exit_codes import ExitCode
from distributedjob.cli.local import ConfigOption, DataDirOption, read_settings
from distributedjob.cli.online import Session, online
from distributedjob.cli.output import Format, print_json
from distributedjob.cli.serve import LogFormatOption, ProcessesOption, run
from distributedjob.cli.waiting import TimeoutOption
from distributedjob.model.errors import Invalid, NotFound

app = typer.Typer(name="node", invoke_without_command=True)

POLL_SECONDS = 0.5
NODES = "/v1/nodes"
ROLES = ("api", "scheduler", "worker")

NamesArgument = Annotated[list[str], typer.Argument(metavar="NODE…", help="Names, as 'node list' shows them.")]
ReasonOption = Annotated[str, typer.Option(help="For those who ask why.")]


@app.callback()
def node(
    context: typer.Context,
    *,
    roles: Annotated[
        str | None, typer.Option(metavar="ROLE,…", help="What it does: api, scheduler, worker.", show_default="all")
    ] = None,
    queues: Annotated[
        str | None, typer.Option(metavar="QUEUE,…", help="Queues its worker serves.", show_default="default")
    ] = None,
    labels: Annotated[
        str | None, typer.Option(metavar="NAME=VALUE,…", help="Facts about it, for lists and filters.")
    ] = None,
    slots: Annotated[
        int | None, typer.Option(min=1, help="Executions its worker holds at once.", show_default="256")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Its name.", show_default="the host's")] = None,
    host: Annotated[str | None, typer.Option(help="Address it listens on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Its port.", show_default="8080")] = None,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
    database_url: Annotated[
        str | None, typer.Option("--database-url", help="mysql://user:password@host:3306/name; needed.")
    ] = None,
    processes: ProcessesOption = None,
    log_format: LogFormatOption = None,
) -> None:
    """Run one node of a cluster on MySQL or MariaDB, until SIGTERM or Ctrl-C.

    A node without the role api answers /v1/health/live, /v1/health/ready and /metrics on its port, and nothing else.
    Every setting can also stand in a YAML file (--config) or in the environment (DISTRIBUTEDJOB_…).
    """
    flags = {
        "roles": _roles(roles),
        "queues": _list("--queues", queues),
        "labels": _list("--labels", labels),
        "slots": slots,
        "node_name": name,
        "host": host,
        "port": port,
        "data_dir": data_dir,
        "database_url": database_url,
        "processes": processes,
        "log_format": log_format,
    }
    if context.invoked_subcommand is not None:
        if any(value is not None for value in (*flags.values(), config)):
            raise Invalid(f"these options run a node; 'node {context.invoked_subcommand}' takes its own behind it")
        return
    settings = read_settings(config=config, **flags)
    if settings.uses_sqlite:
        raise Invalid.one(
            "database_url",
            "a node needs MySQL or MariaDB, as mysql://user:password@host:3306/database; on one machine with SQLite "
            "'distributedjob serve' does everything",
        )
    run(settings)


@app.command("list")
@online
def list_nodes(
    session: Session,
    *,
    label: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Only with it. May be repeated.")
    ] = None,
    role: Annotated[str | None, typer.Option(help="Only with this role: api, scheduler or worker.")] = None,
) -> None:
    """Show who is alive, who leads, which shards are where, and what is cordoned and why."""
    found = session.client.get(NODES, label=label or None, role=role)["items"]
    if session.output is Format.JSON:
        print_json(found)
    else:
        print_nodes(found)


@app.command("show")
@online
def show_node(session: Session, name: Annotated[str, typer.Argument(metavar="NODE", help="Its name.")]) -> None:
    """Show one node, with its labels and its shards."""
    found = _named(session, [name])
    if session.output is Format.JSON:
        print_json(found)
        return
    for place, each in enumerate(found):
        if place:
            typer.echo()
        print_node(each)


@app.command("cordon")
@online
def cordon_nodes(session: Session, nodes: NamesArgument, *, reason: ReasonOption = "") -> None:
    """Let nodes claim nothing new, over restarts too, until they are resumed. What runs goes on."""
    _order(session, nodes, verb="cordon", done="cordoned", reason=reason)


@app.command("drain")
@online
def drain_nodes(
    session: Session,
    nodes: NamesArgument,
    *,
    reason: ReasonOption = "",
    wait: Annotated[bool, typer.Option("--wait", help="Until nothing runs there any more.")] = False,
    timeout: TimeoutOption = None,
) -> None:
    """Cordon and empty nodes: shards and what has not started go to others, calls may end until the drain timeout."""
    _order(session, nodes, verb="drain", done="draining", reason=reason)
    if wait:
        _wait(lambda: not any(each["running"] for each in _named(session, nodes)), timeout_seconds=timeout)


@app.command("resume")
@online
def resume_nodes(session: Session, nodes: NamesArgument) -> None:
    """Take an order back: the nodes work again."""
    _order(session, nodes, verb="resume", done="in service")


def _order(session: Session, names: Sequence[str], *, verb: str, done: str, reason: str | None = None) -> None:
    from distributedjob.cli.client import segment  # noqa: PLC0415 - the HTTP client is slow to load

    body = None if reason is None else {"reason": reason}
    ordered = [session.client.post(f"{NODES}/{segment(name)}/{verb}", body) for name in names]
    if session.output is Format.JSON:
        print_json(ordered)
        return
    for name in names:
        typer.echo(f"{name}: {done}")


def _named(session: Session, names: Sequence[str]) -> list[dict[str, Any]]:
    """The listed nodes of these names. Raises NotFound for a name that none has."""
    listed = session.client.get(NODES)["items"]
    missing = [name for name in names if all(each["name"] != name for each in listed)]
    if missing:
        raise NotFound(f"there is no node '{missing[0]}'; 'distributedjob node list' shows them")
    return [each for each in listed if each["name"] in names]


def _wait(over: Callable[[], bool], *, timeout_seconds: float | None) -> None:
    end = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    while not over():
        if end is not None and time.monotonic() >= end:
            raise typer.Exit(ExitCode.STILL_RUNNING)
        time.sleep(POLL_SECONDS)


def _roles(text: str | None) -> frozenset[str] | None:
    """Raises Invalid that names the roles."""
    given = _list("--roles", text)
    for word in given or ():
        if word not in ROLES:
            raise Invalid.one("--roles", f"'{word}' is not a role; the roles are {', '.join(ROLES)}")
    return None if given is None else frozenset(given)


def _list(option: str, text: str | None) -> tuple[str, ...] | None:
    """A list written with commas. Raises Invalid for one that has nothing in it."""
    if text is None:
        return None
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    if not words:
        raise Invalid.one(option, "names nothing")
    return words
