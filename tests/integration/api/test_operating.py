"""The operator's verbs over the API: nodes, queues, stop switches, levers."""

from typing import Any

import pytest

from distributedjob import __version__
from distributedjob.dispatch.port import OrdersChanged
from distributedjob.model.instant import to_rfc3339
from distributedjob.store import installation, nodes
from distributedjob.store.nodes import NodeRow

PATHS = ("/v1/nodes", "/v1/queues", "/v1/stops", "/v1/levers")


@pytest.fixture
async def manned(here):
    """An installation with one node, `one`, whose worker serves the queue `default`."""
    number = here.desk.new_id()
    row = NodeRow(number, 0, "one", 1, __version__, "api,scheduler,worker", "default", "rack=7,zone=a", 8)
    await here.desk.store.write(installation.ensure_root_department)
    await here.desk.write(lambda tx: installation.ensure_key(tx.connection, installation.CLUSTER_KEY))
    await here.desk.write(lambda tx: nodes.register(tx.connection, row, now=tx.now))
    return here


async def ask(installed, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
    answer = await installed.client.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def stop(installed, **fields: Any) -> Any:
    return await ask(installed, "POST", "/v1/stops", {"reason": "incident 7", **fields}, status=201)


@pytest.mark.parametrize("path", PATHS)
async def test_strangers_are_not_told(here, path):
    assert (await here.stranger.get(path)).status_code == 401


async def test_a_node_is_listed_with_all_that_is_known_of_it(manned):
    (node,) = (await ask(manned, "GET", "/v1/nodes"))["items"]
    assert node.pop("session").isdigit()
    assert node == {
        "name": "one",
        "state": "active",
        "version": __version__,
        "roles": ["api", "scheduler", "worker"],
        "queues": ["default"],
        "labels": {"rack": "7", "zone": "a"},
        "slots": 8,
        "running": 0,
        "started_at": to_rfc3339(manned.clock()),
        "ended_at": None,
        "order": None,
        "leader": False,
        "shards": [],
        "warnings": [],
    }


@pytest.mark.parametrize(
    ("query", "found"), [("label=zone=a&label=rack=7", 1), ("label=zone=b", 0), ("role=worker", 1), ("role=api", 1)]
)
async def test_nodes_are_filtered(manned, query, found):
    assert len((await ask(manned, "GET", f"/v1/nodes?{query}"))["items"]) == found


@pytest.mark.parametrize(("query", "field"), [("label=zone", "label[0]"), ("role=boss", "role")])
async def test_a_filter_that_is_none_is_named(here, query, field):
    problem = await ask(here, "GET", f"/v1/nodes?{query}", status=422)
    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize(("verb", "wanted"), [("cordon", "cordoned"), ("drain", "drained")])
async def test_an_order_is_shown_with_its_reason(manned, verb, wanted):
    order = (await ask(manned, "POST", f"/v1/nodes/one/{verb}", {"reason": "new disk"}))["order"]
    (node,) = (await ask(manned, "GET", "/v1/nodes"))["items"]
    assert (order["wanted"], order["reason"], order["ordered_by"]) == (wanted, "new disk", manned.user.name)
    assert (node["order"], OrdersChanged() in manned.news.items) == (order, True)


async def test_resume_takes_an_order_back(manned):
    await ask(manned, "POST", "/v1/nodes/one/cordon")
    assert await ask(manned, "POST", "/v1/nodes/one/resume") == {"name": "one", "order": None}


@pytest.mark.parametrize("verb", ["cordon", "drain", "resume"])
async def test_an_order_to_a_name_that_no_node_has_is_404_with_the_way_out(manned, verb):
    problem = await ask(manned, "POST", f"/v1/nodes/n%C3%B6body/{verb}", status=404)
    assert problem["detail"] == "there is no node 'nöbody'; 'distributedjob node list' shows them"


async def test_queues_say_who_serves_them_and_which_nobody_does(manned):
    await manned.create(queue="slow")
    found = {queue["name"]: queue for queue in (await ask(manned, "GET", "/v1/queues"))["items"]}
    assert (found["default"]["workers"], found["default"]["slots"], found["default"]["conditions"]) == (1, 8, [])
    assert (found["slow"]["workers"], found["slow"]["tasks"], found["slow"]["conditions"]) == (0, 1, ["no_worker"])


async def test_the_oldest_of_a_queue_has_an_age(manned):
    task = await manned.create(queue="slow")
    await ask(manned, "POST", f"/v1/tasks/{task['id']}/run", status=202)
    manned.clock.advance(90)
    found = {queue["name"]: queue for queue in (await ask(manned, "GET", "/v1/queues"))["items"]}
    assert (found["slow"]["pending"], found["slow"]["oldest_pending_age_seconds"]) == (1, 90.0)


@pytest.mark.parametrize(("queue", "warnings"), [("default", 0), ("slow", 1)])
async def test_a_task_is_created_shown_listed_and_run_with_a_warning_where_nobody_serves_its_queue(
    manned, queue, warnings
):
    task = await manned.create(queue=queue)
    path = f"/v1/tasks/{task['id']}"
    shown = await ask(manned, "GET", path)
    listed = (await ask(manned, "GET", "/v1/tasks"))["items"][0]
    run = await ask(manned, "POST", f"{path}/run", status=202)
    changed = await ask(manned, "PATCH", path, {"description": "x"})
    assert [len(each["warnings"]) for each in (task, shown, listed, run, changed)] == [warnings] * 5


async def test_a_stop_is_set_listed_and_lifted(manned):
    made = await stop(manned, scope="target", subject="https://Example.com/a?b", expires_in_seconds=60)
    assert (made["subject"], made["created_by"]) == ("https://example.com:443", manned.user.name)
    assert made["expires_at"] == to_rfc3339(manned.clock() + 60_000_000)
    listed = (await ask(manned, "GET", "/v1/stops"))["items"]
    await ask(manned, "DELETE", f"/v1/stops/{made['id']}", status=204)
    assert (listed, (await ask(manned, "GET", "/v1/stops"))["items"]) == ([made], [])


async def test_a_run_and_a_rerun_under_a_stop_are_409_with_its_reason(manned):
    task = await manned.create()
    run = await ask(manned, "POST", f"/v1/tasks/{task['id']}/run", status=202)
    await ask(manned, "POST", f"/v1/executions/{run['id']}/cancel", status=202)
    made = await stop(manned, scope="cluster")
    refused = [
        await ask(manned, "POST", path, status=409)
        for path in (f"/v1/tasks/{task['id']}/run", f"/v1/executions/{run['id']}/rerun")
    ]
    assert [(each["code"], each["id"], "incident 7" in each["detail"]) for each in refused] == [
        ("stopped", made["id"], True)
    ] * 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scope": "planet"}, "scope"),
        ({"scope": "cluster", "reason": ""}, "reason"),
        ({"scope": "cluster", "subject": "x"}, "subject"),
        ({"scope": "target", "subject": "ftp://x"}, "subject"),
        ({"scope": "department", "subject": "-1"}, "subject"),
        ({"scope": "queue", "subject": "nobodys"}, "subject"),
        ({"scope": "cluster", "expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"scope": "cluster", "expires_in_seconds": 0}, "expires_in_seconds"),
        ({"scope": "cluster", "expires_in_seconds": 5, "expires_at": "2040-01-01T00:00:00Z"}, "expires_in_seconds"),
    ],
)
async def test_what_is_wrong_with_a_stop_is_named(manned, body, field):
    problem = await ask(manned, "POST", "/v1/stops", {"reason": "x", **body}, status=422)
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_lifting_what_is_not_there_is_404_with_the_way_out(manned):
    problem = await ask(manned, "DELETE", "/v1/stops/12345", status=404)
    assert "'distributedjob stop list'" in problem["detail"]


async def test_a_lever_is_set_shown_and_reset(manned):
    made = await ask(manned, "PUT", "/v1/levers/catchup_rate", {"value": 0})
    shown = await ask(manned, "GET", "/v1/levers/catchup_rate")
    reset = await ask(manned, "DELETE", "/v1/levers/catchup_rate")
    assert (made == shown, made["value"], made["changed_by"]) == (True, 0, manned.user.name)
    assert (reset["value"], reset["default"], reset["changed_by"]) == (20, 20, None)


async def test_all_levers_are_listed(manned):
    await ask(manned, "PUT", "/v1/levers/min_version", {"value": __version__})
    found = {lever["name"]: lever["value"] for lever in (await ask(manned, "GET", "/v1/levers"))["items"]}
    assert found == {"catchup_rate": 20, "min_version": __version__}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("catchup_rate", -1, "0 to 10000"),
        ("catchup_rate", "20", "0 to 10000"),
        ("min_version", 1, "a version such as"),
        ("min_version", "latest", "a version such as"),
        ("min_version", "99.0.0", "newer than this node"),
    ],
)
async def test_a_value_that_a_lever_does_not_take_is_refused(manned, name, value, words):
    problem = await ask(manned, "PUT", f"/v1/levers/{name}", {"value": value}, status=422)
    assert [(error["field"], words in error["message"]) for error in problem["errors"]] == [("value", True)]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_lever_that_is_none_is_404_with_those_there_are(manned, method):
    problem = await ask(manned, method, "/v1/levers/speed", status=404)
    assert problem["detail"] == "there is no lever 'speed'; there are catchup_rate, min_version"
