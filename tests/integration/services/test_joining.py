"""Who may join the cluster."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from distributedjob.model.errors import Conflict
from distributedjob.model.identity import SYSTEM
from distributedjob.services import joining
from distributedjob.services.joining import join
from distributedjob.services.levers import set_lever
from distributedjob.store import nodes
from distributedjob.store.nodes import NodeRow
from support.office import ME, OTHER, Office, open_office


@pytest.fixture
async def office(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.setattr(joining, "WATCH_SECONDS", 0.3)
    monkeypatch.setattr(joining, "LOOK_SECONDS", 0.02)
    office = await open_office(sqlite_url)
    yield office
    await office.store.close()


def row(session: int, version: str) -> NodeRow:
    return NodeRow(session, 0, f"node {session}", 1, version, "worker", "default", "", 8)


async def allow(office: Office, version: str) -> None:
    await office.desk.write(
        lambda tx: set_lever(tx, "min_version", principal=SYSTEM, value=version, version="9.9.9", defaults={})
    )


async def joined(office: Office) -> set[int]:
    return {node.session for node in await office.store.read(nodes.list_living)}


@pytest.mark.parametrize("version", ["1.3.0", "1.4.9", "1.5.0"])
async def test_a_neighbouring_version_joins(office: Office, version: str) -> None:
    await join(office.desk, row(OTHER, "1.4.0"))
    await join(office.desk, row(ME, version))
    assert await joined(office) == {ME, OTHER}


async def test_a_version_further_apart_is_refused_and_the_other_node_named(office: Office) -> None:
    await join(office.desk, row(OTHER, "1.4.0"))

    async def beat() -> None:
        while True:
            await office.store.write(lambda c: nodes.beat(c, OTHER))
            await asyncio.sleep(0.01)

    beating = asyncio.create_task(beat())
    with pytest.raises(Conflict, match=f"node node {OTHER} runs 1.4.0, this program is 1.6.0"):
        await join(office.desk, row(ME, "1.6.0"))
    beating.cancel()
    assert await joined(office) == {OTHER}


async def test_one_that_does_not_beat_any_more_is_in_nobodys_way(office: Office) -> None:
    await join(office.desk, row(OTHER, "1.4.0"))
    await join(office.desk, row(ME, "1.6.0"))
    assert await joined(office) == {ME, OTHER}


async def test_a_version_older_than_the_lever_allows_is_refused_in_one_line(office: Office) -> None:
    await allow(office, "1.5.0")
    with pytest.raises(Conflict, match=r"this program is 1\.4\.9; .* allows 1.5.0 and newer only") as refused:
        await join(office.desk, row(ME, "1.4.9"))
    assert (refused.value.message.count("\n"), await joined(office)) == (0, set())


async def test_the_version_that_the_lever_names_joins(office: Office) -> None:
    await allow(office, "1.5.0")
    await join(office.desk, row(ME, "1.5.0"))
    assert await joined(office) == {ME}
