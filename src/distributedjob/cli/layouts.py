"""Which properties of things are shown, in which order, under which headings."""

from collections.abc import Mapping
from typing import Any

import typer

from distributedjob.cli.output import print_card, print_rows, printable
from distributedjob.model.instant import SECOND, from_rfc3339

TASK_COLUMNS = (
    ("NAME", "name"),
    ("ID", "id"),
    ("ENABLED", "enabled"),
    ("URL", "target.url"),
    ("NEXT FIRE", "next_fire_at"),
)
TASK_CARD = (
    ("Task", "name"),
    ("Id", "id"),
    ("Description", "description"),
    ("Enabled", "enabled"),
    ("Revision", "revision"),
    ("Saved", "updated_at"),
    ("Saved by", "updated_by"),
    ("Method", "target.method"),
    ("URL", "target.url"),
    ("Fallback", "fallback.url"),
    ("Queue", "queue"),
    ("Tags", "tags"),
    ("Parameters", "parameters"),
)
SCHEDULE_COLUMNS = (
    ("SCHEDULE", "label"),
    ("ID", "id"),
    ("KIND", "kind"),
    ("FIRES", "fires"),
    ("TIME ZONE", "time_zone"),
    ("ENABLED", "enabled"),
    ("NEXT FIRE", "next_fire_at"),
)
EXECUTION_COLUMNS = (
    ("ID", "id"),
    ("TASK", "task_name"),
    ("STATE", "state"),
    ("REASON", "reason"),
    ("FIRE AT", "fire_at"),
    ("TRIES", "attempt"),
)
EXECUTION_CARD = (
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
    ("Missed until", "range_end"),
    ("Missed fires", "range_count"),
    ("Message", "message"),
    ("Parameters", "parameters"),
    ("Repeats", "related_id"),
    ("Resolution", "resolution"),
    ("Note", "resolution_note"),
    ("Resolved by", "resolved_by"),
)
ATTEMPT_COLUMNS = (
    ("TRY", "no"),
    ("OUTCOME", "outcome"),
    ("STATUS", "status"),
    ("REASON", "reason"),
    ("STARTED AT", "claimed_at"),
    ("TOOK", "took"),
    ("MESSAGE", "message"),
)
TOKEN_COLUMNS = (
    ("NAME", "name"),
    ("ID", "id"),
    ("CREATED AT", "created_at"),
    ("EXPIRES AT", "expires_at"),
)


def listed(execution: Mapping[str, Any]) -> Mapping[str, Any]:
    """An execution as a row of a list; a range of missed fires says how many they are."""
    count = execution.get("range_count")
    if count is None:
        return execution
    more = "more than " if execution.get("more_than") else ""
    return {**execution, "reason": f"{execution['reason']} ({more}{count} {'fire' if count == 1 else 'fires'})"}


def print_record(execution: Mapping[str, Any]) -> None:
    """An execution with its attempts, the request, and the last response."""
    print_card(execution, lines=EXECUTION_CARD)
    attempts = execution.get("attempts") or []
    if attempts:
        typer.echo()
        rows = [{**attempt, "took": _took(attempt)} for attempt in attempts]
        print_rows(rows, columns=ATTEMPT_COLUMNS, nothing="")
    if request := execution.get("request"):
        _print_message("Request", f"{request['method']} {request['url']}", request)
        if request.get("problem"):
            typer.echo(request["problem"])
    response = next((attempt["response"] for attempt in reversed(attempts) if attempt.get("response")), None)
    if response:
        _print_message("Response", str(response["status"]), response)


def _took(attempt: Mapping[str, Any]) -> str | None:
    """From the first byte sent, or from the claim where none was, to the end."""
    start, end = attempt.get("sent_at") or attempt.get("claimed_at"), attempt.get("ended_at")
    return f"{(from_rfc3339(end) - from_rfc3339(start)) / SECOND:.3f} s" if start and end else None


def _print_message(title: str, first_line: str, message: Mapping[str, Any]) -> None:
    typer.echo(f"\n{title}: {first_line}")
    for name, value in message["headers"]:
        typer.echo(f"  {name}: {value}")
    body = message.get("body")
    if body is None and message.get("body_base64") is not None:
        body = f"(base64) {message['body_base64']}"
    if body:
        typer.echo(f"\n{printable(body)}")
    if message.get("truncated"):
        typer.echo("… the rest was not kept")


def print_task(task: Mapping[str, Any]) -> None:
    """The task, then a table of its schedules."""
    print_card(task, lines=TASK_CARD)
    policies = dict(task["policies"])
    retry = {f"retry_{name}": value for name, value in policies.pop("retry").items()}
    typer.echo()
    print_card(policies | retry, lines=[(name.replace("_", " ").capitalize(), name) for name in policies | retry])
    if schedules := task.get("schedules"):
        typer.echo()
        rows = [{**schedule, "label": schedule.get("key"), "fires": fires_of(schedule)} for schedule in schedules]
        print_rows(rows, columns=SCHEDULE_COLUMNS, nothing="")


def fires_of(schedule: Mapping[str, Any]) -> str:
    """When a schedule fires, in a few words."""
    match schedule.get("kind"):
        case "cron":
            return str(schedule.get("expression"))
        case "interval":
            end = " after the end" if schedule.get("from") == "end" else ""
            return f"every {schedule.get('every_seconds'):g} s{end}"
        case "once":
            return f"once at {schedule.get('at')}"
    return "?"
