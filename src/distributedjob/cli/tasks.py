"""`task …`: make tasks from files, look at them, run them by hand."""

import sys
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from distributedjob.cli.online import Session, online
from distributedjob.cli.output import Format, print_card, print_json, print_rows
from distributedjob.model.errors import Invalid

app = typer.Typer(name="task", help="Tasks: what is called, when, and by which policies.", no_args_is_help=True)

TaskArgument = Annotated[str, typer.Argument(metavar="TASK", help="The task's name or id.")]

COLUMNS = (
    ("NAME", "name"),
    ("ID", "id"),
    ("ENABLED", "enabled"),
    ("REVISION", "revision"),
    ("TARGET", "target.url"),
    ("NEXT FIRE", "next_fire_at"),
)


@app.command("list")
@online
def list_tasks(
    session: Session,
    *,
    name: Annotated[str | None, typer.Option(help="Only names that contain this.")] = None,
    enabled: Annotated[bool | None, typer.Option("--enabled/--disabled", help="Only enabled or disabled ones.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.", show_default="all")] = None,
) -> None:
    """List tasks."""
    tasks = list(session.client.items("/v1/tasks", limit=limit, search=name, enabled=enabled))
    if session.output is Format.JSON:
        print_json(tasks)
    else:
        print_rows(tasks, columns=COLUMNS, nothing="There are no such tasks.")


@app.command("show")
@online
def show_task(session: Session, task: TaskArgument) -> None:
    """Show one task: target, schedules with their next fires, policies."""
    found = get_task(session.client, task)
    if session.output is Format.JSON:
        print_json(found)
    else:
        _print_task(found)


@app.command("apply")
@online
def apply_tasks(
    session: Session,
    *,
    file: Annotated[list[str], typer.Option("--file", "-f", help="A YAML file with one or more tasks; - for stdin.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
) -> None:
    """Create or update tasks from YAML, each found by its name."""
    from distributedjob.cli import applying  # noqa: PLC0415 - reads YAML
    from distributedjob.cli.manifest import read_manifests  # noqa: PLC0415

    manifests = read_manifests(file)
    step = applying.preview if dry_run else applying.apply
    changes = [step(session.client, manifest) for manifest in manifests]
    if session.output is Format.JSON:
        print_json([change.as_json() for change in changes])
        return
    for change in changes:
        typer.echo(change.as_text())


@app.command("enable")
@online
def enable_task(session: Session, tasks: TasksArgument) -> None:
    """Let tasks fire again: from the first fire after now on."""
    _switch(session, tasks, verb="enable")


@app.command("disable")
@online
def disable_task(session: Session, tasks: TasksArgument) -> None:
    """Pause tasks: no schedule fires until they are enabled. What is recorded goes on."""
    _switch(session, tasks, verb="disable")


@app.command("run")
@online
def run_task(
    session: Session,
    task: TaskArgument,
    *,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", help="name=value, for this run only; a value that is JSON is taken as such."),
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="The same key again gives the same execution, for 24 hours.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", "-w", help="Wait for the end; the exit code says how it ended.")
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(min=0, help="Wait at most so many seconds; then exit code 7.", show_default="no limit"),
    ] = None,
) -> None:
    """Run a task once, now."""
    from distributedjob.cli.watching import follow  # noqa: PLC0415

    parameters = _parameters(parameter or ())
    found = get_task(session.client, task)
    execution = session.client.post(
        f"/v1/tasks/{found['id']}/run",
        {"parameters": parameters} if parameters else {},
        headers={"Idempotency-Key": idempotency_key} if idempotency_key else None,
    )
    if wait or timeout is not None:
        follow(session, str(execution["id"]), timeout_seconds=timeout)
    elif session.output is Format.JSON:
        print_json(execution)
    else:
        typer.echo(
            f"Execution {execution['id']} is {execution['state']}. Watch it: distributedjob execution watch {execution['id']}"
        )


@app.command("delete")
@online
def delete_task(session: Session, tasks: TasksArgument, *, yes: YesOption = False) -> None:
    """Delete tasks with their schedules. Their executions stay until they are purged."""
    found = [get_task(session.client, task) for task in tasks]
    confirm(f"Delete {', '.join(task['name'] for task in found)}?", yes=yes)
    for task in found:
        session.client.delete(f"/v1/tasks/{task['id']}")
    _report(session, found, done="deleted")


@app.command("export")
@online
def export_tasks(
    session: Session,
    tasks: Annotated[
        list[str] | None, typer.Argument(metavar="[TASK]…", help="Names or ids.", show_default="all")
    ] = None,
) -> None:
    """Write tasks as YAML that 'task apply' reads."""
    from distributedjob.cli.manifest import dump_manifests, without_server_fields  # noqa: PLC0415

    client = session.client
    found = [get_task(client, task) for task in tasks] if tasks else list(client.items("/v1/tasks"))
    if session.output is Format.JSON:
        print_json([without_server_fields(task) for task in found])
    else:
        sys.stdout.write(dump_manifests(found))
