"""Bad input gets a clear answer that names the field, and changes nothing."""

from dataclasses import replace
from typing import Any

import pytest

from distributedjob.store.tables import metadata
from distributedjob.targets.egress import GUARDED
from integration.api.conftest import Installation, task

CRON = {"kind": "cron", "expression": "0 * * * *"}


async def refusal(here: Installation, **fields: Any) -> dict[str, str]:
    """field → message of a task that is refused."""
    answer = await here.client.post("/v1/tasks", json=task(**fields))
    assert answer.status_code == 422, answer.text
    assert (await here.client.get("/v1/tasks")).json()["items"] == []
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


def schedule(**fields: Any) -> dict[str, Any]:
    return {"schedules": [{**CRON, **fields}]}


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        (
            schedule(expression="61 * * * *"),
            "schedules[0].expression",
            "minute field: 61 is out of range, allowed 0-59",
        ),
        (schedule(expression="* * *"), "schedules[0].expression", ""),
        (schedule(expression="0 0 30 2 *"), "schedules[0].expression", "never fires"),
        (schedule(expression="0 0 0 1 1 ? 1999"), "schedules[0].expression", "never fires"),
        (schedule(time_zone="Europe/Berln"), "schedules[0].time_zone", "did you mean Europe/Berlin"),
        (schedule(end_at="2027-01-01T00:00:00Z"), "schedules[0].end_at", "past"),
        (schedule(start_at="2028-01-02T00:00:00Z", end_at="2028-01-01T00:00:00Z"), "schedules[0].end_at", "empty"),
        (
            schedule(expression="0 0 1 1 *", start_at="2027-03-02T00:00:00Z", end_at="2027-03-03T00:00:00Z"),
            "schedules[0].expression",
            "never fires inside the window",
        ),
        (schedule(start_at="tomorrow"), "schedules[0].start_at", "not an RFC 3339 date-time"),
        (schedule(start_at="2028-01-02T00:00:00"), "schedules[0].start_at", "no UTC offset"),
        (schedule(expresion="* * * * *"), "schedules[0].expresion", "did you mean 'expression'?"),
        (schedule(next_fire_at="2027-01-01T00:00:00Z"), "schedules[0].next_fire_at", "read-only"),
        (schedule(dialect="quarts"), "schedules[0].dialect", "'unix' or 'quartz'"),
        ({"schedules": [{"kind": "corn"}]}, "schedules[0]", "cron, interval or once"),
        ({"schedules": [{"kind": "interval", "every_seconds": 0}]}, "schedules[0].every_seconds", "greater than"),
        ({"schedules": [{"kind": "interval", "every_seconds": False}]}, "schedules[0].every_seconds", "number"),
        ({"schedules": [{"kind": "once", "at": "2027-03-01T11:00:00Z"}]}, "schedules[0].at", "misfire grace"),
        ({"schedules": [{"kind": "once"}]}, "schedules[0].at", "is missing"),
        ({"target": {"url": "ftp://example.org"}}, "target.url", "http and https"),
        (
            {"target": {"url": "http://x/", "headers": {"X-A": "b\r\nEvil: 1"}}},
            "target.headers.X-A",
            "control character",
        ),
        ({"target": {"url": "http://x/", "headers": {"Host": "other"}}}, "target.headers.Host", ""),
        (
            {"target": {"url": "http://x/", "headers": {"X-DistributedJob-Task": "1"}}},
            "target.headers.X-DistributedJob-Task",
            "",
        ),
        ({"target": {"url": "http://x/", "body": "{{ params }}"}}, "target.body.content", "not known in a template"),
        ({"target": {"url": "http://x/", "body": {"kind": "jsn"}}}, "target.body", "text, json, form or base64"),
        ({"target": {"url": "http://x/", "success": {"body_matches": "("}}}, "target.success.body_matches", ""),
        ({"target": {"url": "http://x/", "metod": "GET"}}, "target.metod", "did you mean 'method'?"),
        ({"fallback": {"url": "nonsense"}}, "fallback.url", ""),
        ({"policies": {"retry": {"max_attempts": 0}}}, "policies.retry.max_attempts", "greater than or equal to 1"),
        ({"policies": {"timeout_seconds": 90_000}}, "policies.timeout_seconds", "less than or equal to 86400"),
        ({"policies": {"overlap": "skpi"}}, "policies.overlap", "'skip'"),
        ({"name": ""}, "name", "at least 1 character"),
        ({"name": "a\nb"}, "name", "pattern"),
        ({"name": "a "}, "name", "pattern"),
        ({"name": "x" * 201}, "name", "at most 200"),
        ({"name": 7}, "name", "string"),
        ({"enabled": "true"}, "enabled", "boolean"),
        ({"paused": True}, "paused", "is not a field; known are name"),
        ({"id": "1"}, "id", "read-only"),
        ({"parameters": ["a"]}, "parameters", ""),
        ({"queue": "../etc"}, "queue", "pattern"),
    ],
)
async def test_a_task_with_a_fault_is_refused_by_the_name_of_the_field(here, fields, field, words):
    faults = await refusal(here, **fields)

    assert [*faults] == [field]
    assert words in faults[field]


async def test_all_faults_are_said_at_once(here):
    faults = await refusal(
        here, target={"url": "ftp://x", "headers": {"A B": "c"}}, schedules=[{**CRON, "time_zone": "X"}, CRON]
    )

    assert set(faults) == {"target.url", "target.headers.A B", "schedules[0].time_zone"}


async def test_a_missing_body_is_said(here):
    answer = await here.client.post("/v1/tasks")

    assert [error["field"] for error in answer.json()["errors"]] == ["body"]


async def test_a_patch_names_the_fields_of_the_task_it_would_make(here):
    made = await here.create(schedules=[CRON])
    answer = await here.client.patch(
        f"/v1/tasks/{made['id']}", json={"target": {"metod": "GET"}, "policies": {"overlap": "x"}}
    )

    assert {error["field"] for error in answer.json()["errors"]} == {"target.metod", "policies.overlap"}


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/tasks?limit=0", "limit"),
        ("/v1/tasks?nam=x", "nam"),
        ("/v1/tasks?cursor=nonsense!", "cursor"),
        ("/v1/executions?state=done", "state[0]"),
        ("/v1/executions?stat=failed", "stat"),
        ("/v1/executions?from=yesterday", "from"),
        ("/v1/executions?task_id=abc", "task_id"),
        ("/v1/records/stats?from=2027-03-02T00:00:00Z&to=2027-03-01T00:00:00Z", "from"),
    ],
)
async def test_a_wrong_parameter_is_named(here, path, field):
    answer = await here.client.get(path)

    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])


@pytest.mark.parametrize(
    "name", sorted({column.name for table in metadata.tables.values() for column in table.columns})
)
async def test_no_column_can_be_written_by_its_name(here, name):
    """Fields that share a column's name have other types; whatever else is sent is refused."""
    known = {"name", "enabled", "queue", "parameters"}
    answer = await here.client.post("/v1/tasks", json=task(**({} if name in known else {name: 1})))

    assert answer.status_code == (201 if name in known else 422)


@pytest.mark.parametrize("id_", ["0", "01", "-1", "9" * 25, "abc", "1%20OR%201=1", "%00"])
async def test_an_id_that_is_none_is_not_found(here, id_):
    assert (await here.client.get(f"/v1/tasks/{id_}")).status_code == 404


async def test_the_largest_id_is_not_found_either(here):
    assert (await here.client.get(f"/v1/executions/{'9' * 19}")).status_code == 404


async def test_a_task_whose_target_was_forbidden_since_can_still_be_paused(here):
    made = await here.create(target={"url": "http://127.0.0.1:9/hook"}, schedules=[CRON])
    here.app.state.dependencies = _guarded(here)
    paused = await here.client.post(f"/v1/tasks/{made['id']}/disable")
    changed = await here.client.patch(f"/v1/tasks/{made['id']}", json={"target": {"method": "GET"}})

    assert (paused.status_code, changed.status_code) == (200, 422)
    assert [error["field"] for error in changed.json()["errors"]] == ["target.url"]


def _guarded(here: Installation):
    return replace(here.app.state.dependencies, egress=GUARDED)
