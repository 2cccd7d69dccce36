"""`execution …` and waiting for runs, against a running program and a target that answers by script."""

import signal

import pytest

from support.http_target import Answer, Hang

ONCE = {"retry": {"max_attempts": 1}}
QUICK = {"retry": {"max_attempts": 3, "base_seconds": 0.05, "cap_seconds": 0.1}}


@pytest.fixture
def task(request, cli, write_task, http_target):
    """Make a task that calls the scripted target; gives its name."""
    name = request.node.name[:60].replace("[", "-").replace("]", "")

    def make(**policies):
        cli.ok("task", "apply", "-f", write_task(name, http_target.url("/"), policies=policies))
        return name

    return make


def start(cli, name):
    return cli.json("task", "run", name)["id"]


def test_a_run_that_succeeds_ends_with_0(cli, task):
    assert cli.run("task", "run", task(), "--wait").returncode == 0


def test_a_run_that_fails_ends_with_11(cli, task, http_target):
    http_target.default = Answer(status=404)
    assert cli.run("task", "run", task(), "--wait").returncode == 11


def test_a_run_that_times_out_ends_with_12(cli, task, http_target):
    http_target.default = Hang()
    assert cli.run("task", "run", task(timeout_seconds=0.2, **ONCE), "--wait").returncode == 12


def test_an_answer_that_is_lost_ends_with_15(cli, task, http_target):
    http_target.default = Hang()
    assert cli.run("task", "run", task(delivery="at_most_once", timeout_seconds=0.2), "--wait").returncode == 15


def test_a_wait_that_ran_out_ends_with_7(cli, task, http_target):
    http_target.default = Hang()
    done = cli.run("task", "run", task(), "--wait", "--timeout", "0.5")
    assert done.returncode == 7


def test_attempts_and_waits_are_told_while_waiting(cli, task, http_target):
    http_target.answers(Answer(status=503), Answer(status=503))
    done = cli.run("task", "run", task(**QUICK), "--wait")
    assert done.returncode == 0
    assert "succeeded after 3 attempts" in done.stderr


def test_watching_ends_with_the_execution(cli, task, http_target):
    http_target.default = Answer(delay_seconds=1)
    assert cli.run("execution", "watch", start(cli, task())).returncode == 0


def test_watching_as_json_prints_the_result_alone(cli, task):
    assert cli.json("execution", "watch", start(cli, task()))["state"] == "succeeded"


def test_an_interrupt_ends_watching_quietly(cli, task, http_target):
    http_target.default = Hang()
    execution = start(cli, task())
    http_target.wait_for(1)
    watcher = cli.start("execution", "watch", execution)
    while "running" not in watcher.stderr.readline():
        pass
    watcher.send_signal(signal.SIGINT)
    _, errors = watcher.communicate(timeout=20)
    assert (watcher.returncode, errors) == (130, "")


def test_the_open_executions_of_a_task_are_watched(cli, task, http_target):
    http_target.default = Hang()
    name = task()
    execution = start(cli, name)
    http_target.wait_for(1)
    assert execution in cli.ok("execution", "watch", "--task", name, "--timeout", "0")


def test_what_had_ended_before_is_not_watched(cli, task):
    name = task()
    execution = start(cli, name)
    cli.ok("execution", "watch", execution)
    assert execution not in cli.ok("execution", "watch", "--task", name, "--timeout", "0")


def test_an_execution_shows_request_and_response(cli, task, http_target):
    http_target.default = Answer(status=404, body=b"no such page")
    execution = start(cli, task())
    cli.run("execution", "watch", execution)
    shown = cli.ok("execution", "show", execution)
    assert f"Request: POST {http_target.url('/')}" in shown
    assert "Response: 404" in shown
    assert "no such page" in shown


def test_control_characters_of_a_response_do_not_reach_the_terminal(cli, task, http_target):
    http_target.default = Answer(status=404, body=b"\x1b[2Jgone")
    execution = start(cli, task())
    cli.run("execution", "watch", execution)
    assert "\x1b" not in cli.ok("execution", "show", execution)


def test_a_list_is_filtered_by_task_and_state(cli, task, http_target):
    name = task()
    cli.ok("task", "run", name, "--wait")
    http_target.default = Answer(status=404)
    cli.run("task", "run", name, "--wait")
    assert [each["state"] for each in cli.json("execution", "list", "--task", name, "--state", "failed")] == ["failed"]


def test_a_running_execution_is_cancelled(cli, task, http_target):
    http_target.default = Hang()
    execution = start(cli, task())
    http_target.wait_for(1)
    cli.ok("execution", "cancel", execution)
    assert cli.run("execution", "watch", execution).returncode == 13


def test_all_executions_of_a_task_are_cancelled_at_once(cli, task, http_target):
    http_target.default = Answer(status=503)
    name = task(retry={"max_attempts": 3, "base_seconds": 3600, "cap_seconds": 3600})
    executions = [start(cli, name) for _ in range(2)]
    http_target.wait_for(2)
    cli.ok("execution", "cancel", "--task", name, "--yes")
    assert [cli.run("execution", "watch", each).returncode for each in executions] == [13, 13]


def test_what_has_ended_cannot_be_cancelled(cli, task):
    execution = start(cli, task())
    cli.ok("execution", "watch", execution)
    assert cli.run("execution", "cancel", execution).returncode == 6


def test_a_rerun_is_a_new_execution(cli, task):
    execution = start(cli, task())
    cli.ok("execution", "watch", execution)
    assert cli.json("execution", "rerun", execution, "--wait")["related_id"] == execution


def test_an_unknown_outcome_is_resolved_by_hand(cli, task, http_target):
    http_target.default = Hang()
    execution = start(cli, task(delivery="at_most_once", timeout_seconds=0.2))
    cli.run("execution", "watch", execution)
    cli.ok("execution", "resolve", execution, "--as", "succeeded", "--note", "seen in their log")
    assert "seen in their log" in cli.ok("execution", "show", execution)


def test_ended_executions_are_purged(cli, task):
    name = task()
    cli.ok("task", "run", name, "--wait")
    cli.ok("execution", "purge", "--task", name, "--before", "0s", "--yes")
    assert cli.json("execution", "list", "--task", name) == []


def test_a_state_that_is_none_is_refused_with_the_list(cli):
    done = cli.run("execution", "list", "--state", "done")
    assert done.returncode == 2
    assert "succeeded" in done.stderr


def test_an_execution_that_does_not_exist_is_a_clear_error(cli):
    assert cli.run("execution", "show", "1").returncode == 3


def test_the_same_key_gives_the_same_execution(cli, task):
    name = task()
    first, second = (cli.json("task", "run", name, "--idempotency-key", f"{name}-1") for _ in range(2))
    assert first["id"] == second["id"]
