"""The real API on a real database, without a network, a scheduler or a worker: what verbs do to rows, and say.

Each test has a user in a department of its own, so tests may share a database and still see nothing of each other.
"""

import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from sqlalchemy import Connection, insert, select

from distributedjob.access.access_tokens import AccessTokens
from distributedjob.access.passwords import NOBODY
from distributedjob.api.rest.app import create_api
from distributedjob.api.rest.dependencies import ApiDependencies, Fault
from distributedjob.api.rest.limits import RequestLimits
from distributedjob.cache.local import LocalCache
from distributedjob.cluster.port import Census
from distributedjob.dispatch.local import LocalDispatch
from distributedjob.dispatch.port import News, TokenRevoked, UserChanged
from distributedjob.model.instant import SECOND, Instant, from_rfc3339
from distributedjob.model.person import User
from distributedjob.runtime.ids import IdMaker
from distributedjob.services.authentication import Authenticator
from distributedjob.services.desk import Desk
from distributedjob.services.levers import LeverName
from distributedjob.store import installation, people, schema
from distributedjob.store.open import open_store, parse_url
from distributedjob.store.revisions import Revisions
from distributedjob.store.tables import execution, schedule
from distributedjob.targets.egress import EMBEDDED

START = from_rfc3339("2027-03-01T12:00:00Z")

_users = itertools.count(1)


@dataclass(slots=True)
class MovableClock:
    now: Instant = START

    def __call__(self) -> Instant:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)


class KeptNews(LocalDispatch):
    """Keeps what was announced."""

    def __init__(self) -> None:
        super().__init__()
        self.items: list[News] = []

    def announce(self, news: Sequence[News]) -> None:
        super().announce(news)
        self.items.extend(news)


@dataclass(slots=True)
class Installation:
    """`client` speaks for `user`; `as_user` makes one for another user, `stranger` has no credentials."""

    desk: Desk
    clock: MovableClock
    news: KeptNews
    faults: list[Fault]
    tokens: AccessTokens
    authenticator: Authenticator
    app: Any
    user: User
    stranger: httpx2.AsyncClient
    client: httpx2.AsyncClient

    def speaking(self, **headers: str) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(self.app)
        return httpx2.AsyncClient(transport=transport, base_url="http://testserver", headers=headers)

    def as_user(self, user: User) -> httpx2.AsyncClient:
        token = self.tokens.issue(user_id=user.id, epoch=user.epoch, now=self.clock())
        return self.speaking(Authorization=f"Bearer {token}")

    async def new_user(self, *, password_hash: str = NOBODY) -> User:
        """A user in a department of its own."""
        number = self.desk.new_id()
        user = User(number, f"user{number}", password_hash, number, active=True, epoch=0)
        await self.desk.write(lambda tx: people.insert_user(tx.connection, user, created_at=tx.now))
        return user

    async def create(self, **fields: Any) -> dict[str, Any]:
        """A task that was saved as asked for."""
        answer = await self.client.post("/v1/tasks", json=task(**fields))
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def schedule_rows(self, task_id: str) -> dict[str, Any]:
        """The rows of a task's schedules by id."""

        def read(connection: Connection) -> dict[str, Any]:
            rows = connection.execute(select(schedule).where(schedule.c.task_id == int(task_id)))
            return {str(row.id): row for row in rows}

        return await self.desk.store.read(read)

    async def executions(self, task_id: str) -> list[dict[str, Any]]:
        answer = await self.client.get("/v1/executions", params={"task_id": task_id, "limit": 200})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def add_executions(self, *rows: dict[str, Any]) -> None:
        """Executions as a scheduler and a worker would have left them."""
        await self.desk.store.write(lambda connection: connection.execute(insert(execution), list(rows)))


def task(**fields: Any) -> dict[str, Any]:
    return {"name": f"task {next(_users)}", "target": {"url": "http://127.0.0.1:9/hook"}, **fields}


@pytest.fixture
async def installed(module_database_url: str) -> AsyncIterator[Installation]:
    """An installation on each kind of database."""
    async for each in _install(module_database_url):
        yield each


@pytest.fixture
async def here(sqlite_url: str) -> AsyncIterator[Installation]:
    """An installation on SQLite, for what does not depend on the database."""
    async for each in _install(sqlite_url):
        yield each


async def _install(url: str) -> AsyncIterator[Installation]:
    await schema.upgrade(url)
    store = open_store(parse_url(url))
    try:
        clock, news, faults = MovableClock(), KeptNews(), []
        key = await store.write(lambda connection: installation.ensure_key(connection, installation.TOKEN_KEY))
        desk = Desk(store, Revisions(), news, clock, _ids(clock), b"k" * 32)
        tokens = AccessTokens(key)
        cache = LocalCache()
        authenticator = Authenticator(desk, tokens=tokens, cache=cache)
        news.listen(UserChanged, authenticator.user_changed)
        news.listen(TokenRevoked, authenticator.token_revoked)
        app = create_api(
            ApiDependencies(
                desk=desk,
                authenticator=authenticator,
                limits=RequestLimits(cache, 10_000, on_refused=lambda: None),
                readiness=lambda: True,
                metrics=lambda: b"# HELP up Whether it is up.\n",
                egress=EMBEDDED,
                census=Census,
                levers={LeverName.CATCHUP_RATE: 20},
                on_fault=faults.append,
            )
        )
        nobody = User(0, "", "", 0, active=True, epoch=0)
        made = Installation(
            desk, clock, news, faults, tokens, authenticator, app, nobody, httpx2.AsyncClient(), httpx2.AsyncClient()
        )
        made.user = await made.new_user()
        made.stranger, made.client = made.speaking(), made.as_user(made.user)
        yield made
        assert [fault.error for fault in faults] == [], "a request ended in a fault"
    finally:
        await store.close()


def _ids(clock: MovableClock) -> IdMaker:
    """Tests share databases, and their clocks all begin at the same time: the node's number tells their ids apart."""
    ids = IdMaker(clock)
    ids.lease(next(_nodes))
    return ids


_nodes = itertools.count(1)
