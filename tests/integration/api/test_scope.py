"""One department sees and touches nothing of another: not found, never forbidden."""

import pytest

from integration.api.conftest import Installation, task

OPERATIONS = [
    ("GET", "/v1/tasks/{task}", None),
    ("PUT", "/v1/tasks/{task}", task()),
    ("PATCH", "/v1/tasks/{task}", {"description": "mine"}),
    ("DELETE", "/v1/tasks/{task}", None),
    ("POST", "/v1/tasks/{task}/enable", None),
    ("POST", "/v1/tasks/{task}/disable", None),
    ("POST", "/v1/tasks/{task}/run", None),
    ("POST", "/v1/tasks/{task}/schedules/{schedule}/enable", None),
    ("POST", "/v1/tasks/{task}/schedules/{schedule}/disable", None),
    ("GET", "/v1/tasks/{task}/revisions", None),
    ("GET", "/v1/tasks/{task}/revisions/1", None),
    ("POST", "/v1/tasks/{task}/revisions/1/restore", None),
    ("GET", "/v1/executions/{execution}", None),
    ("GET", "/v1/records/{execution}", None),
    ("POST", "/v1/executions/{execution}/cancel", None),
    ("POST", "/v1/executions/{execution}/rerun", None),
    ("POST", "/v1/executions/{execution}/resolve", {"resolution": "failed"}),
]


async def owned(here: Installation) -> dict[str, str]:
    made = await here.create(schedules=[{"kind": "cron", "expression": "@daily"}])
    run = (await here.client.post(f"/v1/tasks/{made['id']}/run")).json()
    return {"task": made["id"], "schedule": made["schedules"][0]["id"], "execution": run["id"]}


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
async def test_what_belongs_to_another_department_is_not_found(here, method, path, body):
    ids = await owned(here)
    before = (await here.client.get(f"/v1/tasks/{ids['task']}")).json()
    foreign = here.as_user(await here.new_user())
    answer = await foreign.request(method, path.format(**ids), json=body)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await here.client.get(f"/v1/tasks/{ids['task']}")).json() == before


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
async def test_a_foreign_id_is_answered_like_one_that_never_was(here, method, path, body):
    ids = await owned(here)
    foreign = here.as_user(await here.new_user())
    never = {name: str(int(id_) + 1) for name, id_ in ids.items()}
    known, unknown = [(await foreign.request(method, path.format(**each), json=body)).text for each in (ids, never)]
    for each in (ids, never):
        for id_ in each.values():
            known, unknown = known.replace(id_, "ID"), unknown.replace(id_, "ID")

    assert known == unknown


@pytest.mark.parametrize(
    "path", ["/v1/tasks", "/v1/executions", "/v1/executions?state=pending", "/v1/executions?task_id={task}"]
)
async def test_lists_hold_nothing_of_another_department(here, path):
    ids = await owned(here)
    foreign = here.as_user(await here.new_user())

    assert (await foreign.get(path.format(**ids))).json()["items"] == []
    assert (await here.client.get(path.format(**ids))).json()["items"] != []


async def test_statistics_count_nothing_of_another_department(here):
    await owned(here)
    stats = (await here.as_user(await here.new_user()).get("/v1/records/stats")).json()

    assert (stats["total"], stats["unfinished"]["pending"]) == (0, 0)


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/executions/cancel", {}), ("/v1/executions/purge", {"before": "2030-01-01T00:00:00Z"})],
)
async def test_filters_touch_nothing_of_another_department(here, path, body):
    ids = await owned(here)
    await here.as_user(await here.new_user()).post(path, json=body)

    assert (await here.client.get(f"/v1/executions/{ids['execution']}")).json()["state"] == "pending"


async def test_two_departments_may_use_one_name(here):
    made = await here.create()
    answer = await here.as_user(await here.new_user()).post("/v1/tasks", json=task(name=made["name"]))

    assert answer.status_code == 201


async def test_a_preview_does_not_use_the_seed_of_another_departments_schedule(here):
    wanted = {"kind": "cron", "expression": "H H * * *"}
    made = await here.create(schedules=[wanted])
    foreign = here.as_user(await here.new_user())
    body = {"schedule": {**wanted, "id": made["schedules"][0]["id"]}, "count": 1}
    with_id = (await foreign.post("/v1/schedules/preview", json=body)).json()
    without = (await foreign.post("/v1/schedules/preview", json={"schedule": wanted, "count": 1})).json()

    assert with_id == without
