"""`execution …`: what ran, what came of it, and what an operator does about it."""

import time
from collections import Counter
from typing import Annotated, Any

import typer

from distributedjob.cli.asking import YesOption, confirm
from distributedjob.cli.layouts import EXECUTION_COLUMNS, listed, print_record
from distributedjob.cli.online import Session, online
from distributedjob.cli.output import Format, print_json, print_rows
from distributedjob.cli.references import get_task
from distributedjob.cli.spans import find_span
from distributedjob.cli.waiting import TimeoutOption, WaitOption
from distributedjob.model.errors import Invalid
from distributedjob.model.execution import State
from distributedjob.model.instant import from_rfc3339, to_rfc3339

app = typer.Typer(name="execution", help="Executions: each logical run of a task.", no_args_is_help=True)

ExecutionArgument = Annotated[str, typer.Argument(metavar="EXECUTION", help="The execution's id.")]
StateOption = Annotated[
    list[str] | None, typer.Option(help=f"Only these: {', '.join(state.word for state in State)}. May be repeated.")
]
TaskOption = Annotated[str | None, typer.Option(help="Only of this task, by name or id.")]


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
    filters = {"task_id": _task_id(session, task), "state": _words(state)}
    found = list(session.client.items("/v1/executions", limit=limit, **filters))
    if session.output is Format.JSON:
        print_json(found)
    else:
        print_rows([listed(one) for one in found], columns=EXECUTION_COLUMNS, nothing="There are no such executions.")


@app.command("show")
@online
def show_execution(session: Session, execution: ExecutionArgument) -> None:
    """Show one execution: its attempts, the request, and what came back."""
    found = session.client.get(_path(execution))
    if session.output is Format.JSON:
        print_json(found)
    else:
        print_record(found)


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
    state: Annotated[
        list[str] | None, typer.Option(help="With --task or --all: only these, of pending, blocked, running.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All unfinished executions of all tasks.")] = False,
    yes: YesOption = False,
) -> None:
    """Cancel executions: by id, all of a task, or all. A running call is closed; its target may have done the work."""
    if not executions and task is None and not everything:
        raise Invalid.one("execution", "name executions by id, a task by --task, or --all")
    if executions:
        _report(session, [session.client.post(f"{_path(each)}/cancel") for each in executions], done="cancel")
        return
    scope = {"task_id": _task_id(session, task), "states": _words(state) or []}
    confirm(f"Cancel the unfinished executions of {task or 'all tasks'}?", yes=yes)
    totals = _repeat(session, "/v1/executions/cancel", scope)
    _print_totals(
        session, totals, f"Cancelled {totals.get('cancelled', 0)}, asked {totals.get('asked', 0)} running to stop."
    )


@app.command("rerun")
@online
def rerun_execution(
    session: Session,
    execution: ExecutionArgument,
    *,
    revision: Annotated[
        str, typer.Option(help="same: of the execution it repeats; current: the task as it is now.")
    ] = "same",
    wait: WaitOption = False,
    timeout: TimeoutOption = None,
) -> None:
    """Run an execution that has ended again, as a new one with the same parameters."""
    from distributedjob.cli.watching import started  # noqa: PLC0415

    again = session.client.post(f"{_path(execution)}/rerun", {"revision": revision})
    started(session, again, wait=wait, timeout_seconds=timeout)


@app.command("resolve")
@online
def resolve_execution(
    session: Session,
    execution: ExecutionArgument,
    *,
    outcome: Annotated[str, typer.Option("--as", help="What really happened: succeeded or failed.")],
    note: Annotated[str, typer.Option(help="How you know.")] = "",
) -> None:
    """Say what became of an execution that ended 'unknown'. Its state stays; the resolution stands beside it."""
    resolved = session.client.post(f"{_path(execution)}/resolve", {"resolution": outcome, "note": note})
    if session.output is Format.JSON:
        print_json(resolved)
    else:
        typer.echo(f"{resolved['id']}: resolved as {resolved['resolution']}")


@app.command("purge")
@online
def purge_executions(
    session: Session,
    *,
    before: Annotated[str, typer.Option(help="Recorded before this RFC 3339 instant, or an age such as 30d or 12h.")],
    task: TaskOption = None,
    state: StateOption = None,
    yes: YesOption = False,
) -> None:
    """Delete executions that have ended, with their attempts and responses."""
    instant = _before(before)
    scope = {"before": instant, "task_id": _task_id(session, task), "states": _words(state) or []}
    confirm(f"Delete the executions of {task or 'all tasks'} recorded before {instant}?", yes=yes)
    totals = _repeat(session, "/v1/executions/purge", scope)
    _print_totals(session, totals, f"Deleted {totals.get('purged', 0)} executions.")


def _repeat(session: Session, path: str, scope: dict[str, Any]) -> dict[str, int]:
    """The API works in paced steps and says whether there is more; adds up what they did."""
    body = {name: value for name, value in scope.items() if value is not None}
    totals: Counter[str] = Counter()
    while True:
        done = session.client.post(path, body)
        totals.update({name: number for name, number in done.items() if not isinstance(number, bool)})
        if not done["more"]:
            return dict(totals)


def _print_totals(session: Session, totals: dict[str, int], sentence: str) -> None:
    if session.output is Format.JSON:
        print_json(totals)
    else:
        typer.echo(sentence)


def _report(session: Session, executions: list[Any], *, done: str) -> None:
    if session.output is Format.JSON:
        print_json(executions)
        return
    for execution in executions:
        typer.echo(
            f"{execution['id']}: {execution['state']}, asked to {done}"
            if execution["state"] == "running"
            else f"{execution['id']}: {execution['state']}"
        )


def _task_id(session: Session, task: str | None) -> str | None:
    return None if task is None else str(get_task(session.client, task)["id"])


def _words(states: list[str] | None) -> list[str] | None:
    """States as they are spelt on the wire; raises Invalid for a word that is none."""
    for word in states or ():
        if word.upper() not in State.__members__:
            raise Invalid.one("--state", f"'{word}' is not a state; they are {', '.join(each.word for each in State)}")
    return [word.lower() for word in states] if states else None


def _before(text: str) -> str:
    """An instant as it is, or an age counted back from now."""
    span = find_span(text)
    try:
        instant = from_rfc3339(text) if span is None else time.time_ns() // 1_000 - span
    except ValueError as error:
        raise Invalid.one("--before", f"{error}, nor an age such as 30d or 12h") from error
    return to_rfc3339(instant)


def _path(execution: str) -> str:
    if not (execution.isascii() and execution.isdigit()):
        raise Invalid.one("execution", f"'{execution}' is not an id; 'distributedjob execution list' shows them")
    return f"/v1/executions/{execution}"
