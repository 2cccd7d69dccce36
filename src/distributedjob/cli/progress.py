"""An execution that has not ended yet, in one line or as a small picture with a countdown."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from distributedjob.model.instant import SECOND, Instant, from_rfc3339

if TYPE_CHECKING:
    from rich.console import RenderableType

Json = Mapping[str, Any]


def describe(execution: Json, *, now: Instant | None) -> str:
    """One line. With `now` it counts time, and so changes with it; without, it changes with the execution alone."""
    state, reason, attempt = execution["state"], execution.get("reason"), execution.get("attempt") or 0
    match state:
        case "pending" if attempt:
            return f"pending ({reason}): attempt {attempt} did not succeed, the next one {_when(execution, now)}"
        case "pending":
            return f"pending: starts {_when(execution, now)}"
        case "blocked":
            return f"blocked ({reason}): waits for other executions of its task"
        case "running" if execution.get("cancel_asked"):
            return f"running, attempt {attempt}: asked to cancel"
        case "running":
            return f"running, attempt {attempt}{_for_how_long(execution, now)}"
        case "missed":
            return f"missed ({reason}): {execution.get('range_count') or 1} fires until {execution.get('range_end')}"
    tries = f" after {attempt} attempts" if attempt > 1 else ""
    return f"{state} ({reason}){tries}" if reason and reason != "ok" else f"{state}{tries}"


def picture(execution: Json, *, now: Instant) -> "RenderableType":
    """The line with a spinner, and the attempts so far beneath it."""
    from rich.console import Group  # noqa: PLC0415
    from rich.spinner import Spinner  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    attempts = execution.get("attempts") or ()
    return Group(Spinner("dots", Text(describe(execution, now=now))), *(Text(_line(attempt)) for attempt in attempts))


def _line(attempt: Json) -> str:
    status = f" {attempt['status']}" if attempt.get("status") else ""
    return f"  attempt {attempt.get('no')}: {attempt.get('outcome')}{status} {attempt.get('message') or ''}".rstrip()


def _when(execution: Json, now: Instant | None) -> str:
    not_before = execution.get("not_before")
    if not not_before:
        return "soon"
    if now is None:
        return f"not before {not_before}"
    left = from_rfc3339(not_before) - now
    return f"in {left / SECOND:.1f} s" if left > 0 else "as soon as a worker is free"


def _for_how_long(execution: Json, now: Instant | None) -> str:
    since = execution.get("sent_at") or execution.get("claimed_at")
    if now is None or not since:
        return ""
    return f", for {max(0, now - from_rfc3339(since)) / SECOND:.1f} s"
