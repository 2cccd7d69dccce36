"""The password of the first admin is printed if, and only if, it is the one in force."""

import asyncio
import re
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from distributedjob.access.passwords import is_password
from distributedjob.app import _ensure_admin
from distributedjob.config import load_settings
from distributedjob.services.people import create_first_admin
from distributedjob.store import people
from distributedjob.store.tables import user
from distributedjob.telemetry.events import Events
from support.cut_store import CutStore
from support.office import Office, open_office
from support.waiting import until


@pytest.fixture
async def office(sqlite_url: str) -> AsyncIterator[Office]:
    office = await open_office(sqlite_url)
    yield office
    await office.store.close()


def start(office: Office) -> "asyncio.Task[None]":
    resources = SimpleNamespace(desk=office.desk, settings=load_settings(), events=Events())
    return asyncio.create_task(_ensure_admin(resources, stop=asyncio.Event()))  # type: ignore[arg-type]


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return re.findall(r"Password: (\S+)", capsys.readouterr().out)


async def stored_hash(office: Office) -> str:
    admin = await office.store.read(lambda c: people.find_user_by_name(c, "admin"))
    assert admin is not None
    return admin.password_hash


async def test_it_is_printed_though_the_answer_to_its_commit_was_lost(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    door = CutStore(office.store, answers_lost=True)
    office.reopen(door)
    starting = start(office)
    await until(lambda: door.tries)
    async with asyncio.timeout(5):
        while not await office.all_of(user):
            await asyncio.sleep(0.01)
    door.answers_lost = False
    await starting
    (password,) = printed(capsys)
    assert is_password(password, hashed=await stored_hash(office))


async def test_it_is_not_printed_when_another_node_was_first(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both found no user; the other's hash was done sooner."""
    door = CutStore(office.store)
    office.reopen(door)
    starting = start(office)
    await until(lambda: door.reads)
    await office.desk.write(lambda tx: create_first_admin(tx, password_hash="another node's"))
    await starting
    assert (printed(capsys), await stored_hash(office)) == ([], "another node's")
