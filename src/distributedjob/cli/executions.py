"""`execution …`: what ran, what came of it, and the operator's levers on what has not ended yet."""

from typing import Annotated, Any

import typer

from distributedjob.cli.asking import YesOption, confirm
from distributedjob.cli.online import Session, online
from distributedjob.cli.output import Format, print_card, print_json, print_rows
from distributedjob.cli.references import get_task
from distributedjob.model.execution import State

app = typer.Typer(name="execution", help="Executions: each logical run of a task.", no_args_is_help=True)

ExecutionArgument = Annotated[str, typer.Argument(metavar="EXECUTION", help="The execution's id.")]
StateOption = Annotated[
    list[str] | None, typer.Option(help=f"Only these: {', '.join(state.word for state in State)}. May be repeated.")
]
TaskOption = Annotated[str | None, typer.Option(help="Only of this task, by name or id.")]

COLUMNS = (
    ("ID", "id"),
    ("TASK", "task_name"),
    ("STATE", "state"),
    ("REASON", "reason"),
    ("TRIGGER", "trigger"),
    ("FIRE AT", "fire_at"),
    ("ENDED AT", "ended_at"),
    ("ATTEMPT", "attempt"),
)
CARD = (
    ("Execution", "id"),
    ("Task", "task_name"),
    ("Task id", "task_id"),
    ("Revision", "revision"),
    ("State", "state"),
    ("Reason", "reason"),
    ("Trigger", "trigger"),
    ("Fire at", "fire_at"),
    ("Not before", "not_before"),
    ("Deadline", "deadline_at"),
    ("Sent at", "sent_at"),
    ("Ended at", "ended_at"),
    ("Attempt", "attempt"),
    ("Status", "status"),
    ("Cancel asked", "cancel_asked"),
    ("Missed until", "range_end"),
    ("Missed fires", "range_count"),
    ("Repeats", "related_id"),
    ("Resolution", "resolution"),
)
ATTEMPT_COLUMNS = (
    ("ATTEMPT", "no"),
    ("OUTCOME", "outcome"),
    ("STATUS", "status"),
    ("REASON", "reason"),
    ("SENT AT", "sent_at"),
    ("ENDED AT", "ended_at"),
    ("MESSAGE", "message"),
)


@app.command("list")
@online
def list_executions(
    session: Session,
    *,
    task: TaskOption = None,
    state: StateOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="The newest so many.")] = 20,
) -> None:
    """List executions, newest first."""
    found = list(session.client.items("/v1/executions", limit=limit, **_filters(session, task=task, state=state)))
    if session.output is Format.JSON:
        print_json(found)
    else:
        print_rows(found, columns=COLUMNS, nothing="There are no such executions.")


@app.command("show")
@online
def show_execution(session: Session, execution: ExecutionArgument) -> None:
    """Show one execution: its attempts, what was sent and what came back."""
    found = session.client.get(_path(execution))
    if session.output is Format.JSON:
        print_json(found)
        return
    print_card(found, lines=CARD)
    if found.get("attempts"):
        typer.echo()
        print_rows(found["attempts"], columns=ATTEMPT_COLUMNS, nothing="")


@app.command("watch")
@online
def watch_executions(
    session: Session,
    execution: Annotated[str | None, typer.Argument(metavar="[EXECUTION]", help="The execution's id.")] = None,
    *,
    task: TaskOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """Follow one execution to its end, or with --task all of a task's as they come and go.

    The exit code says how the execution ended: 0 succeeded, 11 failed, 12 timed_out, 13 cancelled, 14 expired,
    15 unknown, 16 skipped, 17 missed; 7 when --timeout was up first.
    """
    from distributedjob.cli import watching  # noqa: PLC0415

    if (execution is None) == (task is None):
        raise Invalid.one("execution", "name one execution by its id, or a task by --task")
    if execution is not None:
        watching.follow(session, execution, timeout_seconds=timeout)
    else:
        watching.follow_task(session, get_task(session.client, str(task)), timeout_seconds=timeout)


@app.command("cancel")
@online
def cancel_executions(
    session: Session,
    executions: Annotated[list[str] | None, typer.Argument(metavar="[EXECUTION]…", help="Ids.")] = None,
    *,
    task: TaskOption = None,
    state: StateOption = None,
    yes: YesOption = False,
) -> None:
    """Cancel executions, by id or by filter. One that is running has its call closed; its target may have done the work."""
    ids = _selected(session, executions, task=task, state=state)
    if not executions:
        confirm(f"Cancel {len(ids)} executions?", yes=yes)
    _do(session, [session.client.post(f"{_path(each)}/cancel") for each in ids], done="asked to cancel")


@app.command("rerun")
@online
def rerun_execution(
    session: Session, execution: ExecutionArgument, *, wait: WaitOption = False, timeout: TimeoutOption = None
) -> None:
    """Run the same again, as a new execution."""
    from distributedjob.cli import watching  # noqa: PLC0415

    watching.started(session, session.client.post(f"{_path(execution)}/rerun"), wait=wait, timeout_seconds=timeout)


@app.command("resolve")
@online
def resolve_execution(
    session: Session,
    execution: ExecutionArgument,
    *,
    outcome: Annotated[Resolution, typer.Option("--as", help="What really happened at the target.")],
    note: Annotated[str, typer.Option(help="How you know.")] = "",
) -> None:
    """Say what came of an execution that ended 'unknown'. Its state stays; the resolution stands beside it."""


@app.command("purge")
@online
def purge_executions() -> None:
    """Delete executions that have ended."""
