"""What `task apply` does with one document: find the task by name, then create it, update it, or leave it alone.

A task that was paused by hand stays paused when its file does not speak of `enabled`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from distributedjob.cli import documents
from distributedjob.cli.manifest import Manifest, diff_of
from distributedjob.cli.references import find_task_named
from distributedjob.model.errors import Invalid

if TYPE_CHECKING:
    from distributedjob.cli.client import Client


class Verb(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    KEEP = "keep"


DONE = {Verb.CREATE: "created", Verb.UPDATE: "updated", Verb.KEEP: "unchanged"}
PLANNED = {Verb.CREATE: "would be created", Verb.UPDATE: "would be updated", Verb.KEEP: "would stay as it is"}


@dataclass(frozen=True, slots=True)
class Change:
    """What became, or would become, of one task. `revision` is None while it is only planned."""

    name: str
    verb: Verb
    id: str | None = None
    revision: int | None = None
    diff: str = ""
    warnings: tuple[str, ...] = ()

    def as_text(self) -> str:
        if self.revision is None:
            return "\n".join(part for part in (f"{self.name}: {PLANNED[self.verb]}", self.diff) if part)
        return f"{self.name}: {DONE[self.verb]}, revision {self.revision}"

    def as_json(self) -> dict[str, Any]:
        action = str(self.verb) if self.revision is None else DONE[self.verb]
        facts = {"name": self.name, "action": action, "id": self.id, "revision": self.revision, "diff": self.diff}
        return {**facts, "warnings": list(self.warnings)}


def check_all(manifests: list[Manifest]) -> None:
    """Raises Invalid with every fault that can be found without the server: all or none of a file is sent."""
    faults = []
    for manifest in manifests:
        try:
            documents.check(manifest.task)
        except Invalid as problem:
            faults.append((manifest, problem))
    if len(faults) == 1:
        raise _placed(*faults[0])
    if faults:
        errors = tuple(error for manifest, problem in faults for error in _placed(manifest, problem).errors)
        raise Invalid(f"{len(faults)} tasks are not valid", errors=errors)


def preview(client: "Client", manifest: Manifest) -> Change:
    """What `apply` would do; changes nothing."""
    present = find_task_named(client, manifest.name)
    if present is None:
        return Change(manifest.name, Verb.CREATE)
    before = documents.compact(documents.meant_by(documents.writable(present), present=present))
    after = documents.compact(documents.meant_by(_over(present, manifest), present=present))
    diff = diff_of(before, after, name=manifest.name)
    return Change(manifest.name, Verb.UPDATE if diff else Verb.KEEP, id=present["id"], diff=diff)


def apply(client: "Client", manifest: Manifest) -> Change:
    """Create or replace. The server makes no revision of a save that changes nothing."""
    present = find_task_named(client, manifest.name)
    try:
        if present is None:
            saved = client.post("/v1/tasks", manifest.task)
            return _change(manifest, Verb.CREATE, saved)
        etag = f'"{present["revision"]}"'
        path = f"/v1/tasks/{present['id']}"
        saved = client.put(path, _over(present, manifest), headers={"If-Match": etag})
    except Invalid as problem:
        raise _placed(manifest, problem) from None
    verb = Verb.KEEP if saved["revision"] == present["revision"] else Verb.UPDATE
    return _change(manifest, verb, saved)


def _change(manifest: Manifest, verb: Verb, saved: Mapping[str, Any]) -> Change:
    warnings = tuple(saved.get("warnings") or ())
    return Change(manifest.name, verb, id=saved["id"], revision=saved["revision"], warnings=warnings)


def _over(present: Mapping[str, Any], manifest: Manifest) -> dict[str, Any]:
    return {"enabled": present["enabled"], **manifest.task}


def _placed(manifest: Manifest, problem: Invalid) -> Invalid:
    """The same faults, with the file and document they are in."""
    errors = tuple(replace(error, field=f"{manifest.place}: {error.field}") for error in problem.errors)
    return Invalid(f"task '{manifest.name}' in {manifest.place} is not valid", errors=errors)
