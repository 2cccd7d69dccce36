"""Task documents compared: what a file means, beside what the server has.

Both sides go through the API's own models, so a default that is left out, a number written as text or an order of
keys makes no difference, and a misspelt field is named before anything is sent.
"""

import time
from collections.abc import Mapping
from datetime import timedelta
from itertools import count
from typing import Any

from distributedjob.api.rest.faults import validated
from distributedjob.api.rest.wire.schedules import schedule_fields
from distributedjob.api.rest.wire.tasks import TaskIn, task_document
from distributedjob.model.schedule import CronTiming, IntervalTiming, OnceTiming, Schedule, Timing
from distributedjob.model.target import HttpTarget
from distributedjob.model.task import TaskDefinition
from distributedjob.services.drafts import TaskDraft

Document = dict[str, Any]

READ_ONLY = frozenset(
    {"id", "revision", "department_id", "next_fire_at", "created_at", "updated_at", "updated_by", "warnings"}
)
SPOKEN = frozenset({"kind", "method", "url", "expression", "time_zone", "every_seconds", "from", "at"})
"""Written even where they are the default: without them a file says too little to its reader."""


def check(document: Mapping[str, Any]) -> None:
    """Raises Invalid with the path of each field that is wrong."""
    _draft(document)


def meant_by(document: Mapping[str, Any], *, present: Mapping[str, Any]) -> Document:
    """What the server would have after a save of `document` over the task `present`; raises Invalid."""
    stored = [draft.wanted for draft in _draft(writable(present)).schedules]
    new_ids = count(1)
    settled = _draft(document).settle(stored, now=time.time_ns() // 1_000, new_id=lambda: next(new_ids))
    return task_document(settled)


def writable(task: Mapping[str, Any]) -> Document:
    """A task of the API without what only the server says; it may be sent back."""
    document = {name: value for name, value in task.items() if name not in READ_ONLY}
    document["schedules"] = [
        {name: value for name, value in schedule.items() if name != "next_fire_at"}
        for schedule in task.get("schedules") or ()
    ]
    return document


def compact(document: Mapping[str, Any]) -> Document:
    """A document as a person would write it: without ids, and without what is the default anyway."""
    defaults = task_document(TaskDefinition(name="", target=HttpTarget(url="x")))
    defaults["fallback"] = defaults["target"]
    return _pruned({name: value for name, value in document.items() if name != "schedules"}, defaults) | {
        "schedules": [_pruned(schedule, _schedule_defaults(schedule)) for schedule in document["schedules"]]
    }


def _draft(document: Mapping[str, Any]) -> TaskDraft:
    return validated(TaskIn, document).to_draft()


def _schedule_defaults(schedule: Mapping[str, Any]) -> Document:
    timings: dict[str, Timing] = {
        "cron": CronTiming(""),
        "interval": IntervalTiming(timedelta(0), anchor_at=0),
        "once": OnceTiming(0),
    }
    defaults = schedule_fields(Schedule(id=0, timing=timings[schedule["kind"]], seed=0))
    return {**defaults, "id": schedule.get("id")}


def _pruned(document: Mapping[str, Any], defaults: Mapping[str, Any]) -> Document:
    """Without the values that are as in `defaults`, and without nulls.

    A mapping that is empty by default holds the user's own names and values; it stays as it is.
    """
    kept: Document = {}
    for name, value in document.items():
        default = defaults.get(name)
        if isinstance(value, Mapping) and isinstance(default, Mapping) and default:
            value = _pruned(value, default)  # noqa: PLW2901
            default = {}
        if name in SPOKEN or (value is not None and value != default):
            kept[name] = _plain(name, value)
    return kept


def _plain(name: str, value: Any) -> Any:
    """As a person would write it: 5 for 5.0 seconds, and no word about a content type that follows from the kind."""
    if name.endswith("_seconds") and isinstance(value, float) and value.is_integer():
        return int(value)
    if name == "body" and isinstance(value, Mapping) and value["content_type"] is None:
        return {part: value[part] for part in ("kind", "content")}
    return value
