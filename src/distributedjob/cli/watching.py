"""Following executions: a live picture on a terminal, a line per change elsewhere, the outcome as the exit code."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from distributedjob.cli.exit_codes import ExitCode, code_of_state
from distributedjob.cli.layouts import print_record
from distributedjob.cli.online import Session
from distributedjob.cli.output import Format, print_json, print_warnings
from distributedjob.cli.progress import describe, picture
from distributedjob.model.errors import Unavailable
from distributedjob.model.execution import State
from distributedjob.model.instant import SECOND

if TYPE_CHECKING:
    from distributedjob.cli.client import Client

Json = Mapping[str, Any]
Show = Callable[[Json], None]
POLL_SECONDS = 0.3
LIST_POLL_SECONDS = 1.0
NEWEST = 50
PATIENCE_SECONDS = 60.0
"""How long a server may be away (a restart, a fail-over) before following ends."""


def started(session: Session, execution: Json, *, wait: bool, timeout_seconds: float | None) -> None:
    """After a run or rerun: follow it where that was asked, else say how to."""
    if session.output is not Format.JSON:
        print_warnings(execution)
    if wait or timeout_seconds is not None:
        follow(session, str(execution["id"]), timeout_seconds=timeout_seconds)
    elif session.output is Format.JSON:
        print_json(execution)
    else:
        typer.echo(f"Execution {execution['id']} is {execution['state']}.")
        typer.echo(f"Watch it: distributedjob execution watch {execution['id']}")


def follow(session: Session, execution_id: str, *, timeout_seconds: float | None) -> None:
    """Show an execution until it ends, print it, and exit with the code of its outcome."""
    execution: Json = {}
    with _display() as show:
        for execution in observe(session.client, execution_id, timeout_seconds=timeout_seconds):
            show(execution)
    if session.output is Format.JSON:
        print_json(execution)
    else:
        print_record(execution)
    raise typer.Exit(code_of_state(execution["state"]) if has_ended(execution) else ExitCode.STILL_RUNNING)


def follow_task(session: Session, task: Json, *, timeout_seconds: float | None) -> None:
    """A line for every change of every execution of a task, until interrupted or the time is up.

    Begins with what is not over yet; what had ended before is history.
    """
    deadline = _deadline(timeout_seconds)
    seen = {execution["id"]: _version(execution) for execution in _newest(session, task) if has_ended(execution)}
    while True:
        for execution in reversed(_newest(session, task)):
            if seen.get(execution["id"]) != _version(execution):
                seen[execution["id"]] = _version(execution)
                _print_change(session, execution)
        if time.monotonic() >= deadline:
            return
        time.sleep(LIST_POLL_SECONDS)


def _newest(session: Session, task: Json) -> list[Json]:
    page = _patiently(lambda: session.client.get("/v1/executions", task_id=task["id"], limit=NEWEST))
    return list(page["items"])


def _version(execution: Json) -> tuple[Any, ...]:
    return execution["state"], execution["reason"], execution["attempt"]


def observe(client: "Client", execution_id: str, *, timeout_seconds: float | None) -> Iterator[Json]:
    """The execution as it is now, again and again: until it has ended, or the time is up."""
    from distributedjob.cli.client import segment  # noqa: PLC0415

    deadline = _deadline(timeout_seconds)
    while True:
        execution = _patiently(lambda: client.get(f"/v1/executions/{segment(execution_id)}"))
        yield execution
        if has_ended(execution) or time.monotonic() >= deadline:
            return
        time.sleep(POLL_SECONDS)


def has_ended(execution: Json) -> bool:
    return State.of(execution["state"]).terminal


def _patiently(ask: Callable[[], Any]) -> Any:
    """Ask again while the server is away; what it runs goes on without us."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except Unavailable:
            if time.monotonic() >= give_up_at:
                raise
            time.sleep(LIST_POLL_SECONDS)


@contextmanager
def _display() -> Iterator[Show]:
    """On stderr, so that stdout holds the result alone."""
    if sys.stderr.isatty():
        from rich.console import Console  # noqa: PLC0415
        from rich.live import Live  # noqa: PLC0415

        with Live(console=Console(stderr=True), transient=True, refresh_per_second=10) as live:
            yield lambda execution: live.update(picture(execution, now=_now()))
        return
    last = ""

    def show(execution: Json) -> None:
        nonlocal last
        line = describe(execution, now=None)
        if line != last:
            last = line
            typer.echo(line, err=True)

    yield show


def _print_change(session: Session, execution: Json) -> None:
    if session.output is Format.JSON:
        typer.echo(json.dumps(execution, ensure_ascii=False))
    else:
        typer.echo(f"{execution['fire_at']}  {execution['id']}  {describe(execution, now=None)}")


def _deadline(timeout_seconds: float | None) -> float:
    return float("inf") if timeout_seconds is None else time.monotonic() + timeout_seconds


def _now() -> int:
    return time.time_ns() // (1_000_000_000 // SECOND)
