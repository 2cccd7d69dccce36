"""`task …` against a running program."""

import json

import pytest

MINUTELY = [{"kind": "cron", "expression": "* * * * *"}]


@pytest.fixture
def unique(request):
    """A task name of this test's own: the program is shared."""
    return request.node.name[:60].replace("[", "-").replace("]", "")


def test_a_file_makes_a_task(cli, write_task, unique):
    cli.ok("task", "apply", "-f", write_task(unique, "http://127.0.0.1:9/", schedules=MINUTELY))
    assert cli.json("task", "show", unique)["schedules"][0]["expression"] == "* * * * *"


def test_the_same_file_again_changes_nothing(cli, write_task, unique):
    file = write_task(unique, "http://127.0.0.1:9/", schedules=MINUTELY)
    cli.ok("task", "apply", "-f", file)
    assert cli.ok("task", "apply", "-f", file) == f"{unique}: unchanged, revision 1\n"


def test_a_changed_file_makes_a_revision(cli, write_task, unique):
    cli.ok("task", "apply", "-f", write_task(unique, "http://127.0.0.1:9/"))
    cli.ok("task", "apply", "-f", write_task(unique, "http://127.0.0.1:9/other"))
    assert cli.json("task", "show", unique)["revision"] == 2


def test_a_file_from_stdin_is_read(cli, unique):
    text = f"name: {unique}\ntarget:\n  url: http://127.0.0.1:9/\n"
    assert cli.ok("task", "apply", "-f", "-", stdin=text) == f"{unique}: created, revision 1\n"


def test_a_dry_run_shows_the_change(cli, write_task, unique):
    cli.ok("task", "apply", "-f", write_task(unique, "http://127.0.0.1:9/one"))
    shown = cli.ok("task", "apply", "--dry-run", "-f", write_task(unique, "http://127.0.0.1:9/two"))
    assert "-  url: http://127.0.0.1:9/one" in shown
    assert "+  url: http://127.0.0.1:9/two" in shown


def test_a_dry_run_changes_nothing(cli, write_task, unique):
    cli.ok("task", "apply", "--dry-run", "-f", write_task(unique, "http://127.0.0.1:9/"))
    assert cli.run("task", "show", unique).returncode == 3


def test_a_dry_run_of_the_same_says_so(cli, write_task, unique):
    file = write_task(unique, "http://127.0.0.1:9/", schedules=[{"kind": "interval", "every_seconds": 7}])
    cli.ok("task", "apply", "-f", file)
    assert cli.json("task", "apply", "--dry-run", "-f", file)[0]["action"] == "keep"


def test_a_task_that_was_paused_by_hand_stays_paused(cli, write_task, unique):
    cli.ok("task", "apply", "-f", write_task(unique, "http://127.0.0.1:9/one"))
    cli.ok("task", "disable", unique)
    cli.ok("task", "apply", "-f", write_task(unique, "http://127.0.0.1:9/two"))
    assert cli.json("task", "show", unique)["enabled"] is False


def test_a_misspelt_field_is_named_with_its_place(cli, write_task, unique):
    done = cli.run("task", "apply", "-f", write_task(unique, "http://127.0.0.1:9/", shedules=[]))
    assert done.returncode == 2
    assert "shedules: is not a field; did you mean 'schedules'?" in done.stderr


def test_a_file_with_one_broken_task_is_not_applied_in_part(cli, tmp_path, unique):
    file = tmp_path / "two.yaml"
    file.write_text(f"name: {unique}\ntarget: {{url: 'http://x.example'}}\n---\nname: {unique} 2\ntarget: {{}}\n")
    assert cli.run("task", "apply", "-f", str(file)).returncode == 2
    assert cli.run("task", "show", unique).returncode == 3


def test_a_broken_expression_is_named_with_what_is_allowed(cli, write_task, unique):
    file = write_task(unique, "http://127.0.0.1:9/", schedules=[{"kind": "cron", "expression": "61 * * * *"}])
    done = cli.run("task", "apply", "-f", file)
    assert done.returncode == 2
    assert "schedules[0].expression: minute field: 61 is out of range, allowed 0-59" in done.stderr


def test_what_is_exported_can_be_applied_unchanged(cli, write_task, unique):
    schedules = [*MINUTELY, {"kind": "interval", "every_seconds": 90, "from": "end", "key": "tail"}]
    target_headers = {"kind": "http", "url": "http://127.0.0.1:9/", "headers": {"X-A": "b"}, "body": "two\nlines"}
    file = write_task(unique, "", schedules=schedules, target=target_headers, policies={"overlap": "skip"})
    cli.ok("task", "apply", "-f", file)
    exported = cli.ok("task", "export", unique)
    assert cli.ok("task", "apply", "-f", "-", stdin=exported) == f"{unique}: unchanged, revision 1\n"


def test_an_export_holds_no_defaults(cli, write_task, unique):
    cli.ok("task", "apply", "-f", write_task(unique, "http://127.0.0.1:9/"))
    assert "connect_timeout_seconds" not in cli.ok("task", "export", unique)


def test_an_id_serves_as_well_as_a_name(cli, write_task, unique):
    cli.ok("task", "apply", "-f", write_task(unique, "http://127.0.0.1:9/"))
    task = cli.json("task", "show", unique)
    assert cli.json("task", "show", task["id"])["name"] == unique


def test_a_list_has_the_task(cli, write_task, unique):
    cli.ok("task", "apply", "-f", write_task(unique, "http://127.0.0.1:9/"))
    assert unique in cli.ok("task", "list")


def test_paused_tasks_can_be_listed_alone(cli, write_task, unique):
    cli.ok("task", "apply", "-f", write_task(unique, "http://127.0.0.1:9/"))
    cli.ok("task", "disable", unique)
    assert {task["enabled"] for task in cli.json("task", "list", "--disabled")} == {False}


def test_a_deleted_task_is_gone(cli, write_task, unique):
    cli.ok("task", "apply", "-f", write_task(unique, "http://127.0.0.1:9/"))
    cli.ok("task", "delete", unique, "--yes")
    assert cli.run("task", "show", unique).returncode == 3


def test_a_deletion_that_nobody_confirmed_is_refused(cli, write_task, unique):
    cli.ok("task", "apply", "-f", write_task(unique, "http://127.0.0.1:9/"))
    assert cli.run("task", "delete", unique).returncode == 2
    assert cli.run("task", "show", unique).returncode == 0


def test_an_unknown_task_is_a_clear_error(cli):
    done = cli.run("task", "show", "no such task")
    assert (done.returncode, done.stdout) == (3, "")
    assert "'distributedjob task list' shows them all" in done.stderr


def test_parameters_reach_the_target(cli, write_task, unique, http_target):
    body = {"kind": "json", "content": {"day": "{{ params.day }}"}}
    target = {"kind": "http", "url": http_target.url("/"), "body": body}
    cli.ok("task", "apply", "-f", write_task(unique, "", target=target, parameters={"day": "monday"}))
    cli.ok("task", "run", unique, "--wait", "--parameter", "day=friday")
    assert json.loads(http_target.requests[0].body) == {"day": "friday"}
