"""`task …`: make tasks from files, look at them, pause them, run them by hand."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer

from distributedjob.cli.asking import YesOption, confirm
from distributedjob.cli.layouts import TASK_COLUMNS, print_task
from distributedjob.cli.online import Session, online
from distributedjob.cli.output import Format, print_json, print_rows, print_warnings
from distributedjob.cli.references import get_task
from distributedjob.cli.waiting import TimeoutOption, WaitOption
from distributedjob.model.errors import Invalid

app = typer.Typer(name="task", help="Tasks: what is called, when, and by which policies.", no_args_is_help=True)

TaskArgument = Annotated[str, typer.Argument(metavar="TASK", help="The task's name or id.")]
TasksArgument = Annotated[list[str], typer.Argument(metavar="TASK…", help="Names or ids.")]


@app.command("apply")
@online
def apply_tasks(
    session: Session,
    *,
    file: Annotated[list[str], typer.Option("--file", "-f", help="A YAML file with one or more tasks; - for stdin.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
) -> None:
    """Create or update tasks from YAML, each found by its name. What a file leaves out takes its default."""
    from distributedjob.cli import applying  # noqa: PLC0415 - loads the API's models
    from distributedjob.cli.manifest import read_manifests  # noqa: PLC0415

    manifests = read_manifests(file)
    applying.check_all(manifests)
    step = applying.preview if dry_run else applying.apply
    changes = []
    for manifest in manifests:
        changes.append(step(session.client, manifest))
        if session.output is not Format.JSON:
            typer.echo(changes[-1].as_text())
            print_warnings({"warnings": changes[-1].warnings})
    if session.output is Format.JSON:
        print_json([change.as_json() for change in changes])


@app.command("list")
@online
def list_tasks(
    session: Session,
    *,
    enabled: Annotated[bool | None, typer.Option("--enabled/--disabled", help="Only enabled or paused ones.")] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, help="The newest so many.", show_default="all")
    ] = None,
) -> None:
    """List tasks, newest first."""
    wanted = None if enabled is None else str(enabled).lower()
    tasks = list(session.client.items("/v1/tasks", limit=limit, enabled=wanted))
    if session.output is Format.JSON:
        print_json(tasks)
    else:
        print_rows(tasks, columns=TASK_COLUMNS, nothing="There are no tasks.")


@app.command("show")
@online
def show_task(session: Session, task: TaskArgument) -> None:
    """Show one task: target, policies, schedules with their next fires."""
    found = get_task(session.client, task)
    if session.output is Format.JSON:
        print_json(found)
    else:
        print_task(found)
        print_warnings(found)


@app.command("enable")
@online
def enable_tasks(session: Session, tasks: TasksArgument) -> None:
    """Let tasks fire again, from the first fire after now on."""
    _switch(session, tasks, verb="enable")


@app.command("disable")
@online
def disable_tasks(session: Session, tasks: TasksArgument) -> None:
    """Pause tasks: no schedule fires until they are enabled. What is recorded already goes on."""
    _switch(session, tasks, verb="disable")


@app.command("run")
@online
def run_task(
    session: Session,
    task: TaskArgument,
    *,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            "-p",
            metavar="NAME=VALUE",
            help="For this run; a VALUE that is JSON is taken as such. May be repeated.",
        ),
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="The same key gives the same execution again, for 24 hours.")
    ] = None,
    wait: WaitOption = False,
    timeout: TimeoutOption = None,
) -> None:
    """Run a task once, now, paused or not."""
    from distributedjob.cli.watching import started  # noqa: PLC0415

    parameters = _parameters(parameter or ())
    found = get_task(session.client, task)
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key else None
    execution = session.client.post(f"/v1/tasks/{found['id']}/run", {"parameters": parameters}, headers=headers)
    started(session, execution, wait=wait, timeout_seconds=timeout)


@app.command("delete")
@online
def delete_tasks(session: Session, tasks: TasksArgument, *, yes: YesOption = False) -> None:
    """Delete tasks with their schedules. What was recorded goes on, and stays in the history."""
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
    """Write tasks as YAML that 'task apply' reads. Defaults are left out."""
    from distributedjob.cli.documents import compact, writable  # noqa: PLC0415
    from distributedjob.cli.manifest import dump_manifests  # noqa: PLC0415

    client = session.client
    found = [get_task(client, task) for task in tasks] if tasks else list(client.items("/v1/tasks"))
    documents = [compact(writable(task)) for task in found]
    if session.output is Format.JSON:
        print_json(documents)
    elif documents:
        sys.stdout.write(dump_manifests(documents))


def _switch(session: Session, tasks: Sequence[str], *, verb: str) -> None:
    found = [get_task(session.client, task) for task in tasks]
    changed = [session.client.post(f"/v1/tasks/{task['id']}/{verb}") for task in found]
    _report(session, changed, done=f"{verb}d")


def _report(session: Session, tasks: Iterable[Mapping[str, Any]], *, done: str) -> None:
    if session.output is Format.JSON:
        print_json(list(tasks))
        return
    for task in tasks:
        typer.echo(f"{task['name']}: {done}")


def _parameters(given: Iterable[str]) -> dict[str, Any]:
    """`a=1` is a number, `a=one` a text, `a="1"` the text of a digit. Raises Invalid without an equals sign."""
    parameters: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Invalid.one("--parameter", f"'{text}' is not NAME=VALUE")
        try:
            parameters[name] = json.loads(value)
        except ValueError:
            parameters[name] = value
    return parameters
