"""The identity of a schedule over saves: what keeps its row, seed, anchor, fires left and cursor."""

from typing import Any

import pytest

EVERY = {"kind": "interval", "every_seconds": 10}


async def save(installed: Any, task: dict[str, Any], *schedules: dict[str, Any]) -> list[dict[str, Any]]:
    """Replace the task with these schedules; gives them as they are then."""
    wanted = {"name": task["name"], "target": {"url": task["target"]["url"]}, "schedules": list(schedules)}
    answer = await installed.client.put(f"/v1/tasks/{task['id']}", json=wanted)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["schedules"])


async def test_a_schedule_is_recognised_by_its_id(installed):
    task = await installed.create(schedules=[EVERY])
    known = task["schedules"][0]
    saved = await save(installed, task, {"kind": "cron", "expression": "@daily", "id": known["id"]})

    assert saved[0]["id"] == known["id"]


async def test_a_schedule_is_recognised_by_its_key(installed):
    task = await installed.create(schedules=[{**EVERY, "key": "a"}, {**EVERY, "key": "b"}])
    saved = await save(installed, task, {**EVERY, "key": "b", "every_seconds": 99}, {**EVERY, "key": "a"})

    assert [each["id"] for each in saved] == [task["schedules"][1]["id"], task["schedules"][0]["id"]]


async def test_a_schedule_is_recognised_by_its_definition(installed):
    task = await installed.create(schedules=[EVERY])
    saved = await save(installed, task, {"kind": "cron", "expression": "@daily"}, EVERY)

    assert saved[1]["id"] == task["schedules"][0]["id"]


async def test_a_key_can_be_given_to_a_schedule_without_losing_it(installed):
    task = await installed.create(schedules=[EVERY])
    saved = await save(installed, task, {**EVERY, "key": "a"})

    assert saved[0]["id"] == task["schedules"][0]["id"]


async def test_a_recognised_schedule_keeps_its_seed_and_anchor(installed):
    task = await installed.create(schedules=[{**EVERY, "key": "a"}])
    before = await installed.schedule_rows(task["id"])
    installed.clock.advance(3)
    saved = await save(installed, task, {**EVERY, "key": "a", "every_seconds": 20})
    after = await installed.schedule_rows(task["id"])

    assert [row.seed for row in after.values()] == [row.seed for row in before.values()]
    assert saved[0]["anchor"] == task["schedules"][0]["anchor"]


async def test_an_unchanged_schedule_keeps_its_cursor_when_the_rest_changes(installed):
    task = await installed.create(schedules=[EVERY])
    installed.clock.advance(3)
    patch = {"description": "new words"}
    changed = (await installed.client.patch(f"/v1/tasks/{task['id']}", json=patch)).json()

    assert changed["next_fire_at"] == task["next_fire_at"] == "2027-03-01T12:00:10Z"


async def test_a_changed_schedule_fires_next_after_now(installed):
    task = await installed.create(schedules=[{**EVERY, "key": "a"}])
    installed.clock.advance(25)
    saved = await save(installed, task, {**EVERY, "key": "a", "every_seconds": 7})

    assert saved[0]["next_fire_at"] == "2027-03-01T12:00:28Z"


async def test_rows_follow_the_revision_they_are_recorded_with(installed):
    task = await installed.create(schedules=[EVERY])
    await installed.client.patch(f"/v1/tasks/{task['id']}", json={"description": "x"})

    assert [row.revision for row in (await installed.schedule_rows(task["id"])).values()] == [2]


async def test_what_was_used_of_max_fires_is_counted_when_it_changes(installed):
    task = await installed.create(schedules=[{**EVERY, "key": "a", "max_fires": 5}])
    installed.clock.advance(25)
    await save(installed, task, {**EVERY, "key": "a", "max_fires": 8})

    assert [row.fires_left for row in (await installed.schedule_rows(task["id"])).values()] == [6]


async def test_a_schedule_that_is_used_up_fires_again_when_it_may_fire_more_often(installed):
    task = await installed.create(schedules=[{**EVERY, "key": "a", "max_fires": 2}])
    installed.clock.advance(25)
    used_up = await save(installed, task, {**EVERY, "key": "a", "max_fires": 2, "jitter_seconds": 0.001})
    more = await save(installed, task, {**EVERY, "key": "a", "max_fires": 3})

    assert (used_up[0]["next_fire_at"], more[0]["next_fire_at"]) == (None, "2027-03-01T12:00:30Z")


async def test_an_instant_that_is_past_fires_at_once_within_the_grace(installed):
    task = await installed.create(schedules=[{"kind": "once", "at": "2027-03-01T11:59:45Z"}])

    assert task["next_fire_at"] == "2027-03-01T11:59:45Z"


async def test_an_instant_that_is_past_does_not_fire_again_when_its_task_is_resumed(installed):
    task = await installed.create(schedules=[{"kind": "once", "at": "2027-03-01T12:00:10Z"}])
    path = f"/v1/tasks/{task['id']}"
    await installed.client.post(f"{path}/disable")
    installed.clock.advance(20)
    resumed = (await installed.client.post(f"{path}/enable")).json()

    assert resumed["next_fire_at"] is None


async def test_an_instant_that_fired_fires_again_only_when_it_is_moved(installed):
    task = await installed.create(schedules=[{"kind": "once", "at": "2027-03-01T12:00:10Z", "key": "a"}])
    installed.clock.advance(12)
    kept = await save(installed, task, {"kind": "once", "at": "2027-03-01T12:00:10Z", "key": "a", "max_fires": 9})
    moved = await save(installed, task, {"kind": "once", "at": "2027-03-01T12:00:11Z", "key": "a"})

    assert (kept[0]["next_fire_at"], moved[0]["next_fire_at"]) == (None, "2027-03-01T12:00:11Z")


async def test_one_schedule_is_paused_and_resumed_alone(installed):
    task = await installed.create(schedules=[{**EVERY, "key": "a"}, {**EVERY, "key": "b"}])
    path = f"/v1/tasks/{task['id']}/schedules/{task['schedules'][0]['id']}"
    paused = (await installed.client.post(f"{path}/disable")).json()["schedules"]
    installed.clock.advance(1)
    resumed = (await installed.client.post(f"{path}/enable")).json()["schedules"]

    assert [each["next_fire_at"] for each in paused] == [None, "2027-03-01T12:00:10Z"]
    assert [each["next_fire_at"] for each in resumed] == ["2027-03-01T12:00:10Z"] * 2


async def test_an_interval_from_the_end_waits_for_its_running_execution_after_a_resume(installed):
    task = await installed.create(schedules=[{**EVERY, "from": "end"}])
    path = f"/v1/tasks/{task['id']}"
    installed.clock.advance(11)
    await installed.client.post(f"{path}/disable")
    [recorded] = await installed.executions(task["id"])
    resumed = (await installed.client.post(f"{path}/enable")).json()
    [row] = (await installed.schedule_rows(task["id"])).values()

    assert resumed["next_fire_at"] is None
    assert str(row.waiting_id) == recorded["id"]


async def test_an_id_of_another_task_names_no_schedule_here(installed):
    other = await installed.create(schedules=[EVERY])
    task = await installed.create()
    patch = {"schedules": [{**EVERY, "id": other["schedules"][0]["id"]}]}
    answer = await installed.client.patch(f"/v1/tasks/{task['id']}", json=patch)

    assert [error["field"] for error in answer.json()["errors"]] == ["schedules[0].id"]


@pytest.mark.parametrize("field", ["id", "key"])
async def test_an_id_or_key_stands_once_in_a_task(here, field):
    task = await here.create(schedules=[{**EVERY, "key": "a"}])
    known = task["schedules"][0]
    twice = {"schedules": [{**EVERY, field: known[field]}, {**EVERY, field: known[field]}]}
    answer = await here.client.patch(f"/v1/tasks/{task['id']}", json=twice)

    assert [error["field"] for error in answer.json()["errors"]] == [f"schedules[1].{field}"]


async def test_a_zone_before_the_expression_becomes_the_schedules_zone(here):
    task = await here.create(schedules=[{"kind": "cron", "expression": "CRON_TZ=Europe/Berlin 0 3 * * *"}])

    assert (task["schedules"][0]["expression"], task["schedules"][0]["time_zone"]) == ("0 3 * * *", "Europe/Berlin")


async def test_a_schedules_misfire_rule_takes_over_what_it_leaves_out(here):
    task = await here.create(
        policies={"misfire": "skip", "misfire_grace_seconds": 5}, schedules=[{**EVERY, "misfire": "latest"}]
    )

    assert (task["schedules"][0]["misfire"], task["schedules"][0]["misfire_grace_seconds"]) == ("latest", 5)


async def test_a_preview_names_the_fires_around_a_jump_of_the_clock(here):
    wanted = {"kind": "cron", "expression": "30 2 * * *", "time_zone": "Europe/Berlin"}
    body = {"schedule": wanted, "after": "2027-03-27T12:00:00Z", "count": 2}
    preview = (await here.client.post("/v1/schedules/preview", json=body)).json()

    assert [(fire["at"], fire["local"], fire["flags"]) for fire in preview["fires"]] == [
        ("2027-03-28T01:00:00Z", "2027-03-28T03:00:00+02:00", ["dst_gap"]),
        ("2027-03-29T00:30:00Z", "2027-03-29T02:30:00+02:00", []),
    ]
    assert "Europe/Berlin" in preview["description"]


async def test_a_preview_of_a_saved_schedule_shows_its_own_fires(here):
    task = await here.create(schedules=[{"kind": "cron", "expression": "H H * * *"}])
    saved = task["schedules"][0]
    body = {"schedule": {"kind": "cron", "expression": "H H * * *", "id": saved["id"]}, "count": 1}
    preview = (await here.client.post("/v1/schedules/preview", json=body)).json()

    assert preview["fires"][0]["at"] == saved["next_fire_at"]


async def test_a_preset_sets_the_rules_for_clock_changes(installed):
    task = await installed.create(schedules=[{"kind": "cron", "expression": "@daily", "dst_preset": "temporal"}])

    assert (task["schedules"][0]["dst_gap"], task["schedules"][0]["dst_repeat"]) == ("skip", "both")


async def test_a_rule_for_clock_changes_goes_before_a_preset(installed):
    cron = {"kind": "cron", "expression": "@daily", "dst_preset": "temporal", "dst_gap": "shift_by_gap"}
    task = await installed.create(schedules=[cron])

    assert (task["schedules"][0]["dst_gap"], task["schedules"][0]["dst_repeat"]) == ("shift_by_gap", "both")
