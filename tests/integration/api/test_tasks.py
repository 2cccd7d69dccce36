import asyncio

from distributedjob.dispatch.port import CursorMoved
from distributedjob.model.instant import SECOND
from integration.api.conftest import START, task

CRON = {"kind": "cron", "expression": "0 * * * *"}


async def test_a_created_task_is_shown_as_it_was_asked_for(installed):
    target = {
        "url": "http://127.0.0.1:9/hook?a=1",
        "method": "PUT",
        "headers": {"X-Token": "{{ params.token }}"},
        "query": {"tag": ["a", "b"], "one": "1"},
        "body": {"kind": "json", "content": {"at": "{{ fire_at }}", "n": [1, None, True]}},
        "success": {"statuses": [200, "4xx", "300-302"], "json_path": {"path": "$.ok", "equals": True}},
        "redirects": 2,
    }
    policies = {"overlap": "wait", "misfire": "all", "catchup_max_fires": 7, "retry": {"table": {"404": "retry"}}}
    created = await installed.create(target=target, policies=policies, tags=["a"], parameters={"token": "x"})
    shown = (await installed.client.get(f"/v1/tasks/{created['id']}")).json()

    assert shown == created
    assert shown["target"]["query"] == target["query"]
    assert shown["target"]["body"]["content"] == target["body"]["content"]
    assert shown["target"]["success"]["statuses"] == ["200", "400-499", "300-302"]
    assert (shown["policies"]["misfire"], shown["policies"]["catchup_max_fires"]) == ("all", 7)
    assert shown["policies"]["retry"]["table"] == {"404": "retry"}


async def test_a_new_schedule_fires_from_now_on_and_is_announced(installed):
    created = await installed.create(schedules=[CRON])
    row = (await installed.schedule_rows(created["id"]))[created["schedules"][0]["id"]]

    assert created["next_fire_at"] == "2027-03-01T13:00:00Z"
    assert installed.news.items == [CursorMoved(row.id, row.next_fire_at)]


async def test_a_task_created_paused_has_no_next_fire(installed):
    created = await installed.create(schedules=[CRON], enabled=False)

    assert created["next_fire_at"] is None


async def test_a_name_that_is_taken_is_a_conflict(installed):
    created = await installed.create()
    answer = await installed.client.post("/v1/tasks", json=task(name=created["name"]))

    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")


async def test_two_tasks_of_one_name_created_at_once_leave_one(installed):
    answers = await asyncio.gather(*(installed.client.post("/v1/tasks", json=task(name="twin")) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


async def test_tasks_are_listed_newest_first_in_pages(installed):
    made = [(await installed.create())["id"] for _ in range(5)]
    listed, cursor = [], None
    while True:
        page = (
            await installed.client.get("/v1/tasks", params={"limit": 2, "cursor": cursor} if cursor else {"limit": 2})
        ).json()
        listed += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert listed == made[::-1]


async def test_a_task_is_found_by_its_whole_name_or_a_part_in_any_case(installed):
    created = await installed.create(name="Nightly 100% report")
    await installed.create(name="Nightly 100 reports")

    by_name = (await installed.client.get("/v1/tasks", params={"name": "Nightly 100% report"})).json()
    by_part = (await installed.client.get("/v1/tasks", params={"search": "100% REP"})).json()

    assert [[item["id"] for item in page["items"]] for page in (by_name, by_part)] == [[created["id"]]] * 2


async def test_a_change_makes_a_revision_and_a_new_etag(installed):
    created = await installed.create()
    answer = await installed.client.patch(f"/v1/tasks/{created['id']}", json={"policies": {"timeout_seconds": 7}})

    assert (answer.json()["revision"], answer.headers["ETag"]) == (2, '"2"')
    assert answer.json()["policies"]["timeout_seconds"] == 7


async def test_a_change_that_changes_nothing_makes_no_revision(installed):
    created = await installed.create(schedules=[CRON])
    answer = await installed.client.patch(f"/v1/tasks/{created['id']}", json={"description": ""})

    assert answer.json() == created


async def test_a_change_based_on_an_old_revision_is_refused(installed):
    created = await installed.create()
    path = f"/v1/tasks/{created['id']}"
    await installed.client.patch(path, json={"description": "first"}, headers={"If-Match": '"1"'})
    answer = await installed.client.patch(path, json={"description": "second"}, headers={"If-Match": '"1"'})

    assert (answer.status_code, answer.json()["code"]) == (412, "outdated")


async def test_of_two_changes_at_once_from_one_revision_one_wins(installed):
    path = f"/v1/tasks/{(await installed.create())['id']}"
    changes = (
        installed.client.patch(path, json={"description": f"{n}"}, headers={"If-Match": '"1"'}) for n in range(4)
    )
    answers = await asyncio.gather(*changes)

    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


async def test_null_in_a_patch_restores_the_default(installed):
    created = await installed.create(description="words", policies={"priority": 1})
    answer = await installed.client.patch(
        f"/v1/tasks/{created['id']}", json={"description": None, "policies": {"priority": None}}
    )

    assert (answer.json()["description"], answer.json()["policies"]["priority"]) == ("", 5)


async def test_a_pause_empties_the_cursor_and_a_resume_sets_it_to_the_next_fire(installed):
    created = await installed.create(schedules=[{"kind": "cron", "expression": "*/5 * * * *"}])
    paused = (await installed.client.post(f"/v1/tasks/{created['id']}/disable")).json()
    installed.clock.advance(12 * 60)
    resumed = (await installed.client.post(f"/v1/tasks/{created['id']}/enable")).json()

    assert (paused["enabled"], paused["next_fire_at"]) == (False, None)
    assert (resumed["enabled"], resumed["next_fire_at"]) == (True, "2027-03-01T12:15:00Z")
    assert await installed.executions(created["id"]) == []


async def test_fires_due_before_a_pause_are_recorded_by_it_on_the_revision_until_then(installed):
    created = await installed.create(schedules=[{"kind": "interval", "every_seconds": 10}])
    installed.clock.advance(25)
    await installed.client.post(f"/v1/tasks/{created['id']}/disable")
    recorded = await installed.executions(created["id"])

    assert [item["fire_at"] for item in recorded] == ["2027-03-01T12:00:20Z", "2027-03-01T12:00:10Z"]
    assert {item["revision"] for item in recorded} == {1}


async def test_fires_due_before_a_change_are_recorded_by_it(installed):
    created = await installed.create(schedules=[{"kind": "interval", "every_seconds": 10, "key": "k"}])
    installed.clock.advance(15)
    changed = {"schedules": [{"kind": "interval", "every_seconds": 60, "key": "k"}]}
    await installed.client.patch(f"/v1/tasks/{created['id']}", json=changed)

    assert len(await installed.executions(created["id"])) == 1


async def test_fires_due_before_a_delete_are_recorded_by_it_and_stay(installed):
    created = await installed.create(schedules=[{"kind": "interval", "every_seconds": 10}])
    installed.clock.advance(15)
    deleted = await installed.client.delete(f"/v1/tasks/{created['id']}")

    assert deleted.status_code == 204
    assert [item["task_name"] for item in await installed.executions(created["id"])] == [None]
    assert (await installed.client.get(f"/v1/tasks/{created['id']}")).status_code == 404
    assert await installed.schedule_rows(created["id"]) == {}


async def test_a_name_is_free_again_after_a_delete(installed):
    created = await installed.create()
    await installed.client.delete(f"/v1/tasks/{created['id']}")

    assert (await installed.client.post("/v1/tasks", json=task(name=created["name"]))).status_code == 201


async def test_revisions_are_kept_and_an_old_one_can_be_restored(installed):
    created = await installed.create(schedules=[CRON])
    path = f"/v1/tasks/{created['id']}"
    await installed.client.patch(path, json={"description": "second", "schedules": []})
    await installed.client.post(f"{path}/disable")
    restored = (await installed.client.post(f"{path}/revisions/1/restore")).json()
    listed = (await installed.client.get(f"{path}/revisions")).json()["items"]

    assert [item["revision"] for item in listed] == [4, 3, 2, 1]
    assert (restored["description"], restored["enabled"]) == ("", False)
    assert [each["expression"] for each in restored["schedules"]] == ["0 * * * *"]


async def test_a_schedule_that_was_deleted_comes_back_under_a_new_id(installed):
    created = await installed.create(schedules=[CRON])
    path = f"/v1/tasks/{created['id']}"
    await installed.client.patch(path, json={"schedules": []})
    restored = (await installed.client.post(f"{path}/revisions/1/restore")).json()

    assert restored["schedules"][0]["id"] != created["schedules"][0]["id"]


async def test_a_deadlock_free_storm_of_changes_and_runs_leaves_every_change_a_revision(installed):
    created = await installed.create(policies={"overlap": "wait"}, schedules=[CRON])
    path = f"/v1/tasks/{created['id']}"
    changes = [installed.client.patch(path, json={"description": f"change {n}"}) for n in range(8)]
    runs = [installed.client.post(f"{path}/run") for _ in range(8)]
    answers = await asyncio.gather(*(each for pair in zip(changes, runs, strict=True) for each in pair))

    assert {answer.status_code for answer in answers} == {200, 202}
    assert (await installed.client.get(path)).json()["revision"] == 9


async def test_turning_a_gate_on_counts_what_runs_already(installed):
    created = await installed.create()
    path = f"/v1/tasks/{created['id']}"
    await installed.client.post(f"{path}/run")
    await installed.client.patch(path, json={"policies": {"overlap": "skip"}})
    second = (await installed.client.post(f"{path}/run")).json()

    assert (second["state"], second["reason"]) == ("skipped", "overlap")


async def test_instants_are_kept_to_the_microsecond(installed):
    installed.clock.now = START + 123_456
    created = await installed.create(schedules=[{"kind": "once", "at": "2027-03-02T00:00:00.000001+02:00"}])
    row = (await installed.schedule_rows(created["id"]))[created["schedules"][0]["id"]]

    assert row.next_fire_at % SECOND == 1
    assert created["created_at"] == "2027-03-01T12:00:00.123456Z"
