"""Definitions that one node has read are found by the others without the database; nobody else's are believed."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
import redis.asyncio
from sqlalchemy import Engine, event

from distributedjob.model.identity import SYSTEM
from distributedjob.model.task import TaskDefinition
from distributedjob.services import restoring
from distributedjob.services.changes import disabling
from distributedjob.services.tasks import revise_task
from distributedjob.store.installation import CACHE_KEY, ensure_key
from distributedjob.store.revisions import RevisionId, Revisions
from distributedjob.store.tables import task_revision
from distributedjob.targets.egress import EMBEDDED
from integration.cache.conftest import Cluster
from support.office import Office, open_office

pytestmark = pytest.mark.usefixtures("patience")


class Reader:
    """A node that remembers nothing yet."""

    def __init__(self, office: Office, shared: object) -> None:
        self._office = office
        self.revisions = Revisions(shared=shared)  # type: ignore[arg-type]

    async def load(self, *wanted: RevisionId) -> dict[RevisionId, TaskDefinition]:
        return await self._office.store.read(lambda connection: dict(self.revisions.load(connection, wanted)))


@pytest.fixture
async def office(mariadb_url: str) -> AsyncIterator[Office]:
    office = await open_office(mariadb_url)
    yield office
    await office.store.close()


@pytest.fixture
def queries() -> Iterator[list[str]]:
    """The queries for definitions."""
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        if "FROM task_revision" in statement:
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


async def test_a_second_node_needs_no_query(office, queries, cluster: Cluster, redis_url):
    cache = (await cluster.node(redis_url)).cache
    wanted = [(await office.add_task(), 1) for _ in range(3)]
    first = await Reader(office, cache).load(*wanted)
    asked = len(queries)
    second = await Reader(office, cache).load(*wanted)

    assert (len(first), second, len(queries) - asked) == (3, first, 0)


async def test_only_what_is_missing_is_queried(office, queries, cluster: Cluster, redis_url):
    cache = (await cluster.node(redis_url)).cache
    known, unknown = (await office.add_task(), 1), (await office.add_task(), 1)
    await Reader(office, cache).load(known)
    queries.clear()
    found = await Reader(office, cache).load(known, unknown, (5, 5))

    assert (set(found), len(queries)) == ({known, unknown}, 1)


async def test_a_definition_that_a_stranger_put_there_is_not_called(office, cluster: Cluster, redis_url):
    cache = (await cluster.node(redis_url)).cache
    wanted = (await office.add_task(), 1)
    true = await Reader(office, cache).load(wanted)
    async with redis.asyncio.Redis.from_url(redis_url) as stranger:
        (key,) = [key async for key in stranger.scan_iter(f"{cluster.prefix}:*:revision:*", count=10_000)]
        sealed = await stranger.get(key)
        await stranger.set(key, sealed.replace(b"127.0.0.1", b"127.0.0.2"))

    assert await Reader(office, cache).load(wanted) == true


async def test_without_redis_the_database_is_asked(office, queries, cluster: Cluster, redis_server):
    node = await cluster.node(redis_server.url)
    wanted = (await office.add_task(), 1)
    await Reader(office, node.cache).load(wanted)
    redis_server.kill()
    found = await Reader(office, node.cache).load(wanted)

    assert set(found) == {wanted}


async def test_a_save_that_is_rolled_back_is_remembered_nowhere(office, cluster: Cluster, redis_url):
    cache = (await cluster.node(redis_url)).cache
    task_id = await office.add_task()
    office.desk = replace(office.desk, revisions=Revisions(shared=cache))

    def save_and_fail(tx) -> None:
        revise_task(tx, task_id, principal=SYSTEM, change=disabling, egress=EMBEDDED)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await office.desk.write(save_and_fail)

    assert office.desk.revisions.find((task_id, 2)) is None
    assert await Reader(office, cache).load((task_id, 2)) == {}


async def test_after_a_restore_nothing_is_found_of_what_was_shared_before(office, redis_url, cluster: Cluster):
    async def found_by_a_new_node() -> dict[RevisionId, TaskDefinition]:
        key = await office.store.write(lambda connection: ensure_key(connection, CACHE_KEY))
        return await Reader(office, (await cluster.node(redis_url, key=key)).cache).load(wanted)

    wanted = (await office.add_task(), 1)
    before = await found_by_a_new_node()
    await office.store.write(lambda connection: connection.execute(task_revision.delete()))
    shared = await found_by_a_new_node()
    await office.desk.write(restoring.begin)
    after = await found_by_a_new_node()

    assert (len(before), shared, after) == (1, before, {})
