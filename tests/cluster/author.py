"""The person at the API who changes tasks while things go wrong, and remembers what was acknowledged.

A change is asked for with If-Match until some node acknowledges it. Where an answer was lost the same change is asked
for again, and the revision tells whether the first one counted: in between, both states are possible.
"""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2

from cluster.history import Edited, Saved
from rig.facts import SECOND, TaskSeen
from rig.node import now
from rig.oracle import Interval
from rig.person import PAUSE_SECONDS, Answered, Person, Refused
from rig.workload import ANCHOR, Made, TaskSpec

CHANGED = 412
SERVER_ERROR = 500
EDIT_EVERY_SECONDS = (0.6, 1.8)
CREATE_EVERY_SECONDS = (8.0, 15.0)
RUN_EVERY_SECONDS = (0.5, 1.5)
MOST_CREATED = 12


@dataclass(eq=False)
class Author(Person):
    sink_port: int = 0
    edited: list[Edited] = field(default_factory=list)
    created: list[Made] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)
    """Executions by hand that were acknowledged."""
    _count: int = 0

    async def make(self, spec: TaskSpec) -> Made:
        return _made(spec, await self.create_task(spec.as_request(sink_port=self.sink_port)))

    async def make_for_editing(self, spec: TaskSpec) -> None:
        self.edited.append(Edited.of(await self.make(spec)))

    async def edit_now_and_then(self) -> None:
        """Pause, resume and move tasks, until stopped."""
        while await self._goes_on(EDIT_EVERY_SECONDS):
            edited = self.chance.choice(self.edited)
            if not edited.now.enabled:
                await self._change(edited, replace(edited.now, enabled=True))
            elif self.chance.random() < 0.4:
                await self._change(edited, replace(edited.now, enabled=False))
            else:
                await self._change(edited, replace(edited.now, spec=self._moved(edited.now.spec)))

    async def create_now_and_then(self) -> None:
        """New tasks. One whose creation was not acknowledged is looked for, and counts if it is found."""
        while len(self.created) < MOST_CREATED and await self._goes_on(CREATE_EVERY_SECONDS):
            self._count += 1
            spec = TaskSpec(name=f"late-{self._count}", timing=self._timing(), script="ok")
            if made := await self._create_once(spec):
                self.created.append(made)

    async def run_now_and_then(self, tasks: list[Made], *, every_seconds: tuple[float, float]) -> None:
        """Run tasks by hand, each run asked for under one key until it is acknowledged."""
        while await self._goes_on(every_seconds):
            await self._run(self.chance.choice(tasks))

    async def pause(self, edited: Edited) -> None:
        if edited.now.enabled:
            await self._change(edited, replace(edited.now, enabled=False))

    async def look_at(self, edited: Edited) -> TaskSeen:
        """How the API shows the task when all is over."""
        shown = (await self.ask("GET", f"/v1/tasks/{edited.task_id}")).body
        return TaskSeen(
            task_id=edited.task_id,
            name=edited.now.spec.name,
            revision=int(shown["revision"]),
            enabled=bool(shown["enabled"]),
            acknowledged_revision=edited.now.revision,
            acknowledged_enabled=edited.now.enabled,
        )

    async def pause_strangers(self, known: set[int]) -> None:
        """Pause tasks that exist though nobody said so: the answer to their creation was lost."""
        found = await self.ask("GET", "/v1/tasks?enabled=true&limit=200")
        for task in found.body["items"]:
            if int(task["id"]) not in known:
                await self.disable_task(int(task["id"]))

    def _moved(self, spec: TaskSpec) -> TaskSpec:
        """Another rhythm under another path; the name stays."""
        self._count += 1
        return replace(spec, timing=self._timing(), tag=f"-v{self._count}")

    def _timing(self) -> Interval:
        every = self.chance.choice((1.0, 1.5, 2.0))
        return Interval(every, ANCHOR + self.chance.randrange(100) * SECOND // 100)

    async def _change(self, edited: Edited, wanted: Saved) -> None:
        """Ask until it is acknowledged, and write down from when to when it must have taken effect."""
        path, body = _request(edited, wanted, sink_port=self.sink_port)
        asked_at = now()
        headers = {"If-Match": f'"{edited.now.revision}"'}
        answered = await self._insist("PUT" if body else "POST", path, body, headers=headers)
        if answered is None:  # one that was not acknowledged has counted
            answered = await self._insist("GET", f"/v1/tasks/{edited.task_id}", None)
        assert answered is not None
        saved = replace(wanted, revision=edited.now.revision + 1)
        shown = answered.body["revision"], answered.body["enabled"], answered.body["target"]["url"]
        if shown != (saved.revision, saved.enabled, f"http://127.0.0.1:{self.sink_port}{saved.spec.path}"):
            self.errors.append(f"task {edited.task_id} is {shown} after a change to {saved}")
        edited.save(saved, (asked_at, answered.answered_at))

    async def _insist(
        self, method: str, path: str, body: Any, *, headers: Mapping[str, str] | None = None
    ) -> Answered | None:
        """Ask until some node answers; None when it says that the task was changed already."""
        while True:
            try:
                return await self._once(method, path, body, headers=headers)
            except httpx2.HTTPError:
                await asyncio.sleep(PAUSE_SECONDS)
            except Refused as refused:
                if refused.status == CHANGED:
                    return None
                if refused.status < SERVER_ERROR:
                    self.errors.append(str(refused))
                    raise
                await asyncio.sleep(PAUSE_SECONDS)

    async def _create_once(self, spec: TaskSpec) -> Made | None:
        asked_at = now()
        try:
            return _made(spec, await self._once("POST", "/v1/tasks", spec.as_request(sink_port=self.sink_port)))
        except (httpx2.HTTPError, Refused):
            found = await self._insist("GET", f"/v1/tasks?name={spec.name}", None)
        if found is None or not found.body["items"]:
            return None
        return _made(spec, Answered(found.body["items"][0], found.status, asked_at, found.answered_at))

    async def _run(self, made: Made) -> None:
        headers = {"Idempotency-Key": secrets.token_hex(8)}
        path = f"/v1/tasks/{made.task_id}/run"
        first = await self._insist("POST", path, None, headers=headers)
        again = await self._insist("POST", path, None, headers=headers)
        assert first is not None
        assert again is not None
        if first.body["id"] != again.body["id"]:
            self.errors.append(f"one key made two executions: {first.body['id']} and {again.body['id']}")
        self.runs.append(int(first.body["id"]))


def _request(edited: Edited, wanted: Saved, *, sink_port: int) -> tuple[str, dict[str, Any] | None]:
    """A switch is asked for by its own verb, anything else by the whole task."""
    path = f"/v1/tasks/{edited.task_id}"
    if wanted.enabled != edited.now.enabled:
        return f"{path}/{'enable' if wanted.enabled else 'disable'}", None
    body = wanted.spec.as_request(sink_port=sink_port)
    (schedule,) = body["schedules"]
    return path, {**body, "schedules": [{**schedule, "id": str(edited.schedule_id)}]}


def _made(spec: TaskSpec, answer: Answered) -> Made:
    (schedule,) = answer.body["schedules"]
    return Made(
        spec=spec,
        task_id=int(answer.body["id"]),
        schedule_id=int(schedule["id"]),
        asked_at=answer.asked_at,
        answered_at=answer.answered_at,
    )
