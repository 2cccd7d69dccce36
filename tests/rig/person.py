"""The person at the API: makes the tasks, cancels executions now and then, and pauses everything at the end.

Whoever answers is good enough: a request goes to the nodes in turn until one takes it.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2

from rig.facts import Cancel
from rig.node import ADMIN_PASSWORD, Node, NodeFailed, now

ANSWER_SECONDS = 30.0
PAUSE_SECONDS = 0.1
CANCEL_EVERY_SECONDS = (0.3, 1.2)
UNAVAILABLE = 503


class Refused(Exception):
    """The API answered with something that the rig did not expect; carries the answer."""

    def __init__(self, sentence: str, *, status: int) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back, and between which instants the server must have acted."""

    body: Any
    status: int
    asked_at: int
    answered_at: int


@dataclass(eq=False)
class Person:
    nodes: Sequence[Node]
    chance: random.Random
    cancels: list[Cancel] = field(default_factory=list)
    patience_seconds: float = ANSWER_SECONDS
    errors: list[str] = field(default_factory=list)
    """Answers of the 5xx kind other than 503: the program's own faults."""
    _token: str = ""
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)
    _client: httpx2.AsyncClient = field(default_factory=lambda: httpx2.AsyncClient(trust_env=False, timeout=10))

    async def close(self) -> None:
        await self._client.aclose()

    async def log_in(self) -> None:
        answered = await self.ask("POST", "/v1/auth/login", {"username": "admin", "password": ADMIN_PASSWORD})
        self._token = str(answered.body["access_token"])

    async def create_task(self, task: dict[str, Any]) -> Answered:
        return await self.ask("POST", "/v1/tasks", task)

    async def disable_task(self, task_id: int) -> Answered:
        return await self.ask("POST", f"/v1/tasks/{task_id}/disable")

    def stop(self) -> None:
        """Let every habit end when it has finished what it is at."""
        self._stopped.set()

    async def _goes_on(self, seconds: tuple[float, float]) -> bool:
        """Wait for a while between these; whether to go on then."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.chance.uniform(*seconds)):
                await self._stopped.wait()
        return not self._stopped.is_set()

    async def cancel_now_and_then(self) -> None:
        """Look at what failed and cancel what waits or runs, at random, until stopped."""
        while await self._goes_on(CANCEL_EVERY_SECONDS):
            try:
                await self._cancel_one()
                await self._look_at_one()
            except (httpx2.HTTPError, Refused):
                continue  # the node died under the request: nothing was acknowledged

    async def _look_at_one(self) -> None:
        """Show one execution that did not go smoothly: every record that a fault leaves must be showable."""
        state = self.chance.choice(("pending", "failed", "unknown", "cancelled", "skipped", "missed", "timed_out"))
        found = await self._once("GET", f"/v1/executions?state={state}&limit=50")
        if found.body["items"]:
            await self._once("GET", f"/v1/executions/{self.chance.choice(found.body['items'])['id']}")

    async def _cancel_one(self) -> None:
        state = self.chance.choice(("pending", "blocked", "running"))
        found = await self._once("GET", f"/v1/executions?state={state}&limit=50")
        if not found.body["items"]:
            return
        execution = self.chance.choice(found.body["items"])
        answered = await self._once("POST", f"/v1/executions/{execution['id']}/cancel")
        if answered.body.get("cancel_asked") or answered.body["state"] == "cancelled":
            self.cancels.append(Cancel(execution_id=int(execution["id"]), acknowledged_at=answered.answered_at))

    async def ask(self, method: str, path: str, body: Any = None) -> Answered:
        """Ask until some node answers. Raises Refused for any answer but 2xx and 503, NodeFailed for none."""
        deadline = time.monotonic() + self.patience_seconds
        while True:
            try:
                return await self._once(method, path, body)
            except httpx2.HTTPError as error:
                if time.monotonic() > deadline:
                    ends = "\n".join(node.log_end() for node in self.nodes)
                    raise NodeFailed(f"nobody took {method} {path} for {self.patience_seconds} s:\n{ends}") from error
            await asyncio.sleep(PAUSE_SECONDS)

    async def _once(
        self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> Answered:
        node = self.chance.choice([node for node in self.nodes if node.is_alive] or self.nodes)
        asked_at = now()
        sent = {**({"Authorization": f"Bearer {self._token}"} if self._token else {}), **(headers or {})}
        answer = await self._client.request(method, node.url + path, json=body, headers=sent)
        answered_at = now()
        if answer.status_code == UNAVAILABLE:
            raise httpx2.HTTPStatusError("not available now", request=answer.request, response=answer)
        if not answer.is_success:
            sentence = f"{method} {path} → {answer.status_code}: {answer.text[:500]}"
            if answer.is_server_error:
                self.errors.append(sentence)
            raise Refused(sentence, status=answer.status_code)
        return Answered(answer.json() if answer.content else None, answer.status_code, asked_at, answered_at)
