import asyncio

from sqlalchemy import update

from distributedjob.dispatch.port import CancelAsked, RoomMade
from distributedjob.model.execution import Hint, State
from distributedjob.model.identity import Principal
from distributedjob.model.instant import DAY, SECOND
from distributedjob.store.hot.rows import AttemptRow, FailureRow, OutputRow
from distributedjob.store.tables import execution
from integration.api.conftest import START, Installation


def row(installed: Installation, task_id: str, **columns: object) -> dict[str, object]:
    """An execution that ran once and failed, unless `columns` say otherwise."""
    id_ = installed.desk.new_id()
    base = {
        "id": id_,
        "task_id": int(task_id),
        "source_id": id_,
        "fire_at": START,
        "not_before": START,
        "deadline_at": START + DAY,
        "state": State.FAILED,
        "reason": None,
        "trigger": 2,
        "priority": 5,
        "queue": "default",
        "department_id": installed.user.department_id,
        "revision": 1,
        "attempt": 1,
        "recorded_at": START,
        "ended_at": START,
    }
    return {**base, **columns}


async def test_a_run_is_recorded_at_once_and_hinted(installed):
    task = await installed.create()
    answer = await installed.client.post(f"/v1/tasks/{task['id']}/run")
    run = answer.json()

    assert (answer.status_code, run["state"], run["trigger"]) == (202, "pending", "manual")
    assert answer.headers["Location"] == f"/v1/executions/{run['id']}"
    assert Hint(int(run["id"]), 0, START, "default") in installed.news.items


async def test_a_paused_task_can_be_run(installed):
    task = await installed.create(enabled=False)

    assert (await installed.client.post(f"/v1/tasks/{task['id']}/run")).status_code == 202


async def test_a_run_keeps_its_parameters_and_shows_the_request_they_make(installed):
    target = {"url": "http://127.0.0.1:9/{{ params.who }}", "body": "{{ params.greeting }} {{ params.who }}"}
    task = await installed.create(target=target, parameters={"greeting": "hello", "who": "nobody"})
    run = (await installed.client.post(f"/v1/tasks/{task['id']}/run", json={"parameters": {"who": "Ann B"}})).json()
    shown = (await installed.client.get(f"/v1/executions/{run['id']}")).json()

    assert shown["parameters"] == {"who": "Ann B"}
    assert (shown["request"]["url"], shown["request"]["body"]) == ("http://127.0.0.1:9/Ann%20B", "hello Ann B")


async def test_a_request_that_cannot_be_made_says_why(installed):
    task = await installed.create(target={"url": "http://127.0.0.1:9/", "body": "{{ params.who }}"})
    run = (await installed.client.post(f"/v1/tasks/{task['id']}/run")).json()
    shown = (await installed.client.get(f"/v1/executions/{run['id']}")).json()

    assert "who" in shown["request"]["problem"]


async def test_a_key_gives_the_same_execution_again(installed):
    path = f"/v1/tasks/{(await installed.create())['id']}/run"
    headers = {"Idempotency-Key": "k"}
    first = (await installed.client.post(path, json={"parameters": {"a": 1, "b": 2}}, headers=headers)).json()
    again = (await installed.client.post(path, json={"parameters": {"b": 2, "a": 1}}, headers=headers)).json()

    assert again["id"] == first["id"]


async def test_a_key_with_another_body_is_refused(installed):
    path = f"/v1/tasks/{(await installed.create())['id']}/run"
    headers = {"Idempotency-Key": "k"}
    await installed.client.post(path, json={"parameters": {"a": 1}}, headers=headers)
    answer = await installed.client.post(path, json={"parameters": {"a": 2}}, headers=headers)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "idempotency_key_reused")


async def test_a_key_with_another_task_is_refused(installed):
    first, second = await installed.create(), await installed.create()
    headers = {"Idempotency-Key": "k"}
    await installed.client.post(f"/v1/tasks/{first['id']}/run", headers=headers)

    assert (await installed.client.post(f"/v1/tasks/{second['id']}/run", headers=headers)).status_code == 422


async def test_a_key_is_forgotten_after_24_hours(installed):
    path = f"/v1/tasks/{(await installed.create())['id']}/run"
    headers = {"Idempotency-Key": "k"}
    first = (await installed.client.post(path, headers=headers)).json()
    installed.clock.advance(24 * 3600)
    later = (await installed.as_user(installed.user).post(path, headers=headers)).json()

    assert later["id"] != first["id"]


async def test_ten_requests_with_one_key_at_once_make_one_execution(installed):
    task = await installed.create()
    path, headers = f"/v1/tasks/{task['id']}/run", {"Idempotency-Key": "k"}
    answers = await asyncio.gather(*(installed.client.post(path, headers=headers) for _ in range(10)))

    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await installed.executions(task["id"])) == 1


async def test_a_run_by_an_api_token_is_marked_as_one(installed):
    task = await installed.create()
    _, token = await installed.authenticator.create_token(_principal(installed), name="robot", days=None)
    answer = await installed.speaking(Authorization=f"Bearer {token}").post(f"/v1/tasks/{task['id']}/run")

    assert answer.json()["trigger"] == "api"


async def test_a_rerun_repeats_parameters_and_revision(installed):
    task = await installed.create()
    path = f"/v1/tasks/{task['id']}"
    run = (await installed.client.post(f"{path}/run", json={"parameters": {"a": 1}})).json()
    await installed.client.post(f"/v1/executions/{run['id']}/cancel")
    await installed.client.patch(path, json={"description": "changed"})
    again = (await installed.client.post(f"/v1/executions/{run['id']}/rerun")).json()
    shown = (await installed.client.get(f"/v1/executions/{again['id']}")).json()

    assert (shown["trigger"], shown["related_id"], shown["revision"]) == ("rerun", run["id"], 1)
    assert shown["parameters"] == {"a": 1}


async def test_a_rerun_can_use_the_present_revision(installed):
    task = await installed.create()
    run = (await installed.client.post(f"/v1/tasks/{task['id']}/run")).json()
    await installed.client.post(f"/v1/executions/{run['id']}/cancel")
    await installed.client.patch(f"/v1/tasks/{task['id']}", json={"description": "changed"})
    again = await installed.client.post(f"/v1/executions/{run['id']}/rerun", json={"revision": "current"})

    assert again.json()["revision"] == 2


async def test_a_rerun_of_an_old_revision_passes_the_present_gate(installed):
    task = await installed.create()
    path = f"/v1/tasks/{task['id']}"
    run = (await installed.client.post(f"{path}/run")).json()
    await installed.client.post(f"/v1/executions/{run['id']}/cancel")
    await installed.client.patch(path, json={"policies": {"overlap": "wait"}})
    again = [(await installed.client.post(f"/v1/executions/{run['id']}/rerun")).json() for _ in range(2)]

    assert [one["state"] for one in again] == ["pending", "blocked"]


async def test_what_has_not_ended_cannot_be_run_again(installed):
    task = await installed.create()
    run = (await installed.client.post(f"/v1/tasks/{task['id']}/run")).json()
    answer = await installed.client.post(f"/v1/executions/{run['id']}/rerun")

    assert (answer.status_code, answer.json()["code"]) == (409, "not_ended")


async def test_a_waiting_execution_is_cancelled_at_once(installed):
    task = await installed.create(policies={"overlap": "wait"})
    run = (await installed.client.post(f"/v1/tasks/{task['id']}/run")).json()
    cancelled = (await installed.client.post(f"/v1/executions/{run['id']}/cancel")).json()

    assert (cancelled["state"], cancelled["reason"], cancelled["message"]) == (
        "cancelled",
        "asked",
        "cancelled before it was called",
    )
    assert any(isinstance(item, RoomMade) for item in installed.news.items)


async def test_a_running_execution_is_asked_to_stop(installed):
    task = await installed.create()
    running = row(installed, task["id"], state=State.RUNNING, ended_at=None)
    await installed.add_executions(running)
    asked = (await installed.client.post(f"/v1/executions/{running['id']}/cancel")).json()

    assert (asked["state"], asked["cancel_asked"]) == ("running", True)
    assert CancelAsked(running["id"]) in installed.news.items


async def test_what_has_ended_cannot_be_cancelled(installed):
    task = await installed.create()
    ended = row(installed, task["id"])
    await installed.add_executions(ended)
    answer = await installed.client.post(f"/v1/executions/{ended['id']}/cancel")

    assert (answer.status_code, answer.json()["code"]) == (409, "already_ended")


async def test_a_backlog_is_cancelled_by_filter(installed):
    task, other = await installed.create(), await installed.create()
    await installed.add_executions(
        row(installed, task["id"], state=State.PENDING, ended_at=None),
        row(installed, task["id"], state=State.BLOCKED, ended_at=None),
        row(installed, task["id"], state=State.RUNNING, ended_at=None),
        row(installed, other["id"], state=State.PENDING, ended_at=None),
    )
    done = (await installed.client.post("/v1/executions/cancel", json={"task_id": task["id"]})).json()
    states = sorted(item["state"] for item in await installed.executions(task["id"]))

    assert done == {"cancelled": 2, "asked": 1, "more": False}
    assert states == ["cancelled", "cancelled", "running"]
    assert [item["state"] for item in await installed.executions(other["id"])] == ["pending"]


async def test_a_purge_deletes_what_ended_before_and_nothing_else(installed):
    task = await installed.create()
    old = row(installed, task["id"])
    waiting = row(installed, task["id"], state=State.PENDING, ended_at=None)
    await installed.add_executions(old, waiting)
    installed.clock.advance(60)
    fresh = row(installed, task["id"])
    await installed.add_executions(fresh)
    body = {"before": "2027-03-01T12:00:30Z", "task_id": task["id"]}
    done = (await installed.client.post("/v1/executions/purge", json=body)).json()
    left = {int(item["id"]) for item in await installed.executions(task["id"])}

    assert done == {"purged": 1, "more": False}
    assert left == {waiting["id"], fresh["id"]}


async def test_a_purge_leaves_the_execution_from_whose_end_a_schedule_counts(installed):
    task = await installed.create(schedules=[{"kind": "interval", "every_seconds": 10, "from": "end"}])
    installed.clock.advance(11)
    await installed.client.post(f"/v1/tasks/{task['id']}/disable")
    await installed.client.post(f"/v1/tasks/{task['id']}/enable")
    [run] = await installed.executions(task["id"])
    await installed.client.post(f"/v1/executions/{run['id']}/cancel")
    done = (await installed.client.post("/v1/executions/purge", json={"before": "2027-03-02T00:00:00Z"})).json()

    assert done == {"purged": 0, "more": False}


async def test_an_unknown_execution_is_resolved_once_and_keeps_its_state(installed):
    task = await installed.create(policies={"overlap": "wait"})
    run = (await installed.client.post(f"/v1/tasks/{task['id']}/run")).json()
    await _end_as_unknown(installed, int(run["id"]))
    path, body = f"/v1/executions/{run['id']}/resolve", {"resolution": "succeeded", "note": "asked the callee"}
    resolved = (await installed.client.post(path, json=body)).json()
    twice = await installed.client.post(path, json={"resolution": "failed"})

    assert (resolved["state"], resolved["resolution"], resolved["resolution_note"]) == (
        "unknown",
        "succeeded",
        "asked the callee",
    )
    assert resolved["resolved_by"] == installed.user.name
    assert (twice.status_code, twice.json()["code"]) == (409, "already_resolved")


async def test_only_unknown_executions_are_resolved(installed):
    task = await installed.create()
    run = (await installed.client.post(f"/v1/tasks/{task['id']}/run")).json()
    answer = await installed.client.post(f"/v1/executions/{run['id']}/resolve", json={"resolution": "failed"})

    assert (answer.status_code, answer.json()["code"]) == (409, "not_unknown")


async def _end_as_unknown(installed: Installation, execution_id: int) -> None:
    def end(tx):
        this = execution.c.id == execution_id
        tx.connection.execute(update(execution).where(this).values(state=State.UNKNOWN, attempt=1, ended_at=tx.now))
        failure = FailureRow(execution_id, 1, installed.user.department_id, State.UNKNOWN, "unclear", "reset", "lost")
        tx.hot.insert_failures(tx.connection, [failure])

    await installed.desk.write(end)


def _principal(installed: Installation):
    user = installed.user
    return Principal(user_id=user.id, name=user.name, department_id=user.department_id, via="jwt")


async def test_an_attempt_shows_what_came_back(installed):
    task = await installed.create()
    run = row(installed, task["id"], attempt=2, state=State.SUCCEEDED, status=200, sent_at=START, claimed_at=START)
    await installed.add_executions(run)
    first = AttemptRow(
        run["id"], 1, 0, "answered", "status_503", "503 is no success", 503, 1, START, START, START + SECOND
    )
    outputs = [
        OutputRow(run["id"], 1, 0, 503, '[["retry-after","1"]]', 0, "busy", 0),
        OutputRow(run["id"], 2, 0, 200, "[]", 1, "/wA=", 1),
    ]

    def write(tx):
        tx.hot.insert_attempts(tx.connection, [first])
        tx.hot.insert_outputs(tx.connection, outputs)

    await installed.desk.write(write)
    shown = (await installed.client.get(f"/v1/executions/{run['id']}")).json()["attempts"]
    responses = [each["response"] for each in shown]

    assert [(each["no"], each["outcome"]) for each in shown] == [(1, "answered"), (2, "answered")]
    assert responses[0]["headers"] == [["retry-after", "1"]]
    assert [(each["body"], each["body_base64"]) for each in responses] == [("busy", None), (None, "/wA=")]
    assert [each["truncated"] for each in responses] == [False, True]
