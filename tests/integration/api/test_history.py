"""Lists of executions: every filter shows what it should, whichever index serves it, page after page."""

import itertools
import random
from typing import Any

import pytest
from sqlalchemy import Connection, event

from distributedjob.model.execution import State, Trigger
from distributedjob.model.instant import SECOND
from distributedjob.store import history
from distributedjob.store.hot.rows import FailureRow
from integration.api.conftest import START, Installation
from integration.api.test_runs import row

STATES = [State.PENDING, State.BLOCKED, State.RUNNING, State.SUCCEEDED, State.FAILED, State.SKIPPED, State.UNKNOWN]


async def fill(installed: Installation, count: int = 120) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Two tasks with a history of all kinds; gives the tasks, and the rows in order of recording."""
    tasks = [await installed.create(), await installed.create()]
    chance = random.Random(7)
    rows = []
    for number in range(count):
        installed.clock.advance(1)
        rows.append(
            row(
                installed,
                chance.choice(tasks)["id"],
                state=chance.choice(STATES),
                trigger=chance.choice(list(Trigger)),
                fire_at=installed.clock() - chance.choice([0, 0, 0, 30]) * SECOND,
                source_id=number,
            )
        )
    await installed.add_executions(*rows)
    bad = [each for each in rows if each["state"] in history.ENDED_BADLY]
    failures = [
        FailureRow(each["id"], each["task_id"], each["department_id"], each["state"], "answered", "status_500", "500")
        for each in bad
    ]
    await installed.desk.write(lambda tx: tx.hot.insert_failures(tx.connection, failures))
    return tasks, rows


async def walk(installed: Installation, **query: Any) -> list[int]:
    """The ids of all pages."""
    found: list[int] = []
    while query.get("cursor", "") is not None:
        answer = await installed.client.get("/v1/executions", params=query)
        assert answer.status_code == 200, answer.text
        found += [int(item["id"]) for item in answer.json()["items"]]
        query["cursor"] = answer.json()["next_cursor"]
    return found


def words(states: tuple[State, ...]) -> list[str]:
    return [state.word for state in states]


COMBINATIONS = [
    (),
    (State.PENDING,),
    (State.PENDING, State.RUNNING),
    (State.FAILED,),
    (State.FAILED, State.UNKNOWN),
    (State.SUCCEEDED,),
    (State.SUCCEEDED, State.FAILED, State.BLOCKED),
]


async def test_every_filter_shows_exactly_what_matches_newest_first(installed):
    tasks, rows = await fill(installed)
    for states, trigger, task in itertools.product(COMBINATIONS, (None, Trigger.API), (None, tasks[0])):
        wanted = [
            each
            for each in rows
            if (not states or each["state"] in states)
            and (trigger is None or each["trigger"] == trigger)
            and (task is None or each["task_id"] == int(task["id"]))
        ]
        by_fire = (task is not None and not set(states) & {State.PENDING, State.FAILED}) or (
            task is not None and State.SUCCEEDED in states
        )
        order = (lambda each: (each["fire_at"], each["source_id"])) if by_fire else (lambda each: each["id"])
        expected = [each["id"] for each in sorted(wanted, key=order, reverse=True)]
        query: dict[str, Any] = {"limit": 7}
        if states:
            query["state"] = words(states)
        if trigger is not None:
            query["trigger"] = trigger.word
        if task is not None:
            query["task_id"] = task["id"]

        assert await walk(installed, **query) == expected, query


@pytest.fixture
def short_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    """A history of a hundred rows is then as long as one of millions."""
    monkeypatch.setattr(history, "SCAN", 20)
    monkeypatch.setattr(history, "WINDOW", 5)


async def test_a_bounded_scan_loses_nothing_over_its_pages(installed, short_scan):
    _, rows = await fill(installed)
    expected = [each["id"] for each in rows if each["state"] == State.SKIPPED][::-1]

    assert await walk(installed, limit=3, state="skipped") == expected


async def test_a_long_backlog_is_listed_by_the_primary_key(installed, short_scan):
    _, rows = await fill(installed)
    expected = [each["id"] for each in rows if each["state"] in history.LIVE][::-1]

    assert await walk(installed, limit=3, state=["pending", "blocked", "running"]) == expected


async def test_the_time_of_recording_bounds_a_list(installed):
    _, rows = await fill(installed, 30)
    found = await walk(installed, **{"from": "2027-03-01T12:00:10Z", "to": "2027-03-01T12:00:20Z"})

    assert found == [each["id"] for each in rows[9:19]][::-1]


async def test_the_fire_time_bounds_the_list_of_a_task(installed):
    tasks, rows = await fill(installed)
    since, until = START + 40 * SECOND, START + 60 * SECOND
    wanted = [each for each in rows if each["task_id"] == int(tasks[0]["id"]) and since <= each["fire_at"] < until]
    bounds = {"from": "2027-03-01T12:00:40Z", "to": "2027-03-01T12:01:00Z"}

    assert sorted(await walk(installed, task_id=tasks[0]["id"], **bounds)) == [each["id"] for each in wanted]


async def test_a_cursor_of_another_list_is_refused(installed):
    tasks, _ = await fill(installed, 10)
    query = {"task_id": tasks[0]["id"], "limit": 1}
    cursor = (await installed.client.get("/v1/executions", params=query)).json()["next_cursor"]
    answer = await installed.client.get("/v1/executions", params={"cursor": cursor})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")


async def test_records_are_another_name_of_executions(installed):
    await fill(installed, 5)
    answers = [(await installed.client.get(path)).json() for path in ("/v1/executions", "/v1/records")]

    assert answers[0] == answers[1]


async def test_statistics_count_by_state_and_trigger(installed):
    _, rows = await fill(installed)
    stats = (await installed.client.get("/v1/records/stats")).json()

    assert (stats["total"], stats["complete"]) == (len(rows), True)
    assert stats["by_state"]["failed"] == sum(each["state"] == State.FAILED for each in rows)
    assert stats["by_trigger"]["api"] == sum(each["trigger"] == Trigger.API for each in rows)
    assert stats["unfinished"]["running"] == sum(each["state"] == State.RUNNING for each in rows)


async def test_statistics_of_too_many_rows_say_from_where_they_count(here, monkeypatch):
    from distributedjob.store import counts

    monkeypatch.setattr(counts, "COUNTED", 10)
    await fill(here, 30)
    stats = (await here.client.get("/v1/records/stats")).json()

    assert (stats["total"], stats["complete"]) == (10, False)
    assert stats["from"] > "2027-03-01T12:00:19Z"


LISTS = (
    {},
    {"from": "2027-03-01T12:00:10Z"},
    {"state": ["failed", "unknown"]},
    {"state": ["pending"]},
    {"state": ["skipped"]},
    {"task_id": "{task}"},
    {"task_id": "{task}", "from": "2027-03-01T12:00:10Z"},
    {"task_id": "{task}", "state": ["failed"]},
    {"task_id": "{task}", "state": ["pending"]},
    {"task_id": "{task}", "state": ["skipped"]},
)


@pytest.mark.parametrize("query", LISTS, ids=str)
async def test_no_list_reads_a_whole_table_or_sorts_one(here, query):
    tasks, _ = await fill(here)
    query = {name: tasks[0]["id"] if value == "{task}" else value for name, value in query.items()}
    page = (await here.client.get("/v1/executions", params={**query, "limit": 1})).json()
    statements: list[tuple[str, Any]] = []
    engine = here.desk.store._engine
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append((call[2], call[3])))
    await here.client.get("/v1/executions", params={**query, "limit": 1, "cursor": page["next_cursor"]})
    plans = [await here.desk.store.read(lambda c, s=s, p=p: _plan(c, s, p)) for s, p in tuple(statements)]

    assert plans
    assert [line for plan in plans for line in plan if line.startswith(("SCAN", "USE TEMP B-TREE"))] == []


def _plan(connection: Connection, statement: str, parameters: Any) -> list[str]:
    return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
