"""Task documents compared: what a file means, beside what the server has.

Both sides go through the API's own models, so a default that is left out, a number written as text or an order of
keys makes no difference, and a misspelt field is named before anything is sent.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Any

from distributedjob.api.rest.faults import validated
from distributedjob.api.rest.wire.schedules import schedule_fields
from distributedjob.api.rest.wire.tasks import TaskIn, task_document
from distributedjob.model.schedule import CronTiming, IntervalTiming, OnceTiming, Schedule
from distributedjob.model.target import Body, BodyKind, HttpTarget
from distributedjob.model.task import TaskDefinition
from distributedjob.services.drafts import TaskDraft

Document = dict[str, Any]

READ_ONLY = frozenset({"id", "revision", "department_id", "next_fire_at", "created_at", "updated_at", "updated_by"})
SPOKEN = frozenset({"name", "kind", "url", "method", "expression", "time_zone", "every_seconds", "from", "at", "anchor"})
"""Written even where they are the default: a file without them says too little to a reader."""


def check(document: Mapping[str, Any]) -> None:
    """Raises Invalid with the path of each field that is wrong."""
    _draft(document)


def meant_by(document: Mapping[str, Any], *, present: Mapping[str, Any] | None) -> Document:
    """What the server would have after a save of `document` over `present`; raises Invalid."""
    stored = () if present is None else _stored(present)
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
    defaults = task_document(TaskDefinition(name="", target=HttpTarget(url="")))
    written = _pruned(document, defaults)
    written["target"] = _pruned_target(document["target"], defaults["target"])
    if document.get("fallback"):
        written["fallback"] = _pruned_target(document["fallback"], defaults["target"])
    if document.get("schedules"):
        written["schedules"] = [_pruned_schedule(schedule) for schedule in document["schedules"]]
    return {name: written[name] for name in document if name in written}


def _draft(document: Mapping[str, Any]) -> TaskDraft:
    return validated(TaskIn, document).to_draft()


def _stored(present: Mapping[str, Any]) -> list[Schedule]:
    return [draft.wanted for draft in _draft(writable(present)).schedules]
