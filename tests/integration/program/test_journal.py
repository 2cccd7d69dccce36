"""A result that meets an outage, and then the end of its program, is neither lost nor earned by a second call."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from rig.proxy import Proxy
from support.http_target import Answer, Hang, HttpTarget
from support.program import Program, StartProgram

PATIENCE = timedelta(seconds=30)


def run_a_task(program: Program, target: HttpTarget, **policies: object) -> str:
    """Create a task that calls the target, run it by hand, wait for the call; gives the execution's id."""
    calls = len(target.requests)
    with program.client() as client:
        wanted = {"kind": "http", "method": "POST", "url": target.url("/")}
        task = client.post("/v1/tasks", json={"name": "once", "target": wanted, "policies": policies}).json()
        run = client.post(f"/v1/tasks/{task['id']}/run").json()
    target.wait_for(calls + 1)
    return str(run["id"])


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE.total_seconds()):
        while not await asyncio.to_thread(true):
            await asyncio.sleep(0.05)


def show(program: Program, execution: str) -> dict[str, object]:
    with program.client() as client:
        answer: dict[str, object] = client.get(f"/v1/executions/{execution}").json()
        return answer


def journal_bytes(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.glob("journal-*.jsonl"))


@pytest.mark.parametrize("end", ["killed", "terminated"])
async def test_a_result_of_an_outage_outlives_its_program(
    behind: Program, proxy: Proxy, http_target: HttpTarget, end: str
) -> None:
    http_target.default = Answer(delay_seconds=1)
    behind.start()
    await asyncio.to_thread(behind.wait_until_ready)
    execution = await asyncio.to_thread(run_a_task, behind, http_target)
    await proxy.cut()
    await until(lambda: journal_bytes(behind.data_dir) > 0)
    if end == "killed":
        await asyncio.to_thread(behind.kill)
    else:
        assert await asyncio.to_thread(behind.terminate) == 0
    await proxy.heal()
    behind.start()
    await asyncio.to_thread(behind.wait_until_ready)
    record = await asyncio.to_thread(show, behind, execution)
    assert (record["state"], len(http_target.requests)) == ("succeeded", 1)
    assert journal_bytes(behind.data_dir) == 0


async def test_a_result_of_an_outage_is_written_when_the_database_is_back(
    behind: Program, proxy: Proxy, http_target: HttpTarget
) -> None:
    http_target.default = Answer(delay_seconds=1)
    behind.start()
    await asyncio.to_thread(behind.wait_until_ready)
    execution = await asyncio.to_thread(run_a_task, behind, http_target)
    proxy.stall()  # nothing is broken and nothing answers: only a limit of our own ends the wait
    await asyncio.sleep(2)
    await proxy.cut()
    await until(lambda: journal_bytes(behind.data_dir) > 0)
    await proxy.heal()
    await until(lambda: journal_bytes(behind.data_dir) == 0)
    record = await asyncio.to_thread(show, behind, execution)
    assert (record["state"], len(http_target.requests)) == ("succeeded", 1)


def test_a_stop_gives_back_what_it_cuts_and_the_next_start_goes_on(
    start_program: StartProgram, http_target: HttpTarget
) -> None:
    http_target.answers(Hang())
    program = start_program(settings={"DISTRIBUTEDJOB_DRAIN_TIMEOUT_SECONDS": "0.2"})
    execution = run_a_task(program, http_target, retry={"max_attempts": 3, "base_seconds": 0.1})
    code = program.terminate()
    program.start()
    program.wait_until_ready()
    http_target.wait_for(2)
    numbers = [request.header("x-distributedjob-attempt") for request in http_target.requests]
    assert (code, numbers) == (0, ["1", "2"])
    assert show(program, execution)["attempt"] == 2


async def test_a_stop_before_the_call_costs_no_attempt(start_program: StartProgram, http_target: HttpTarget) -> None:
    """The only slot is taken by a call that hangs, so what waits behind it has not begun."""
    http_target.default = Hang()
    settings = {"DISTRIBUTEDJOB_SLOTS": "1", "DISTRIBUTEDJOB_DRAIN_TIMEOUT_SECONDS": "0.2"}
    program = await asyncio.to_thread(lambda: start_program(settings=settings))
    first = await asyncio.to_thread(run_a_task, program, http_target)
    with program.client() as client:
        task = client.get(f"/v1/executions/{first}").json()["task_id"]
        second = client.post(f"/v1/tasks/{task}/run").json()["id"]
    await asyncio.to_thread(program.terminate)
    http_target.default = Answer()
    program.start()
    await asyncio.to_thread(program.wait_until_ready)
    await until(lambda: show(program, str(second))["state"] == "succeeded")
    assert show(program, str(second))["attempt"] == 1


def test_the_port_is_answered_again_by_the_next_start(start_program: StartProgram) -> None:
    program = start_program()
    program.terminate()
    program.start()
    program.wait_until_ready()
    answer = httpx2.get(f"{program.base_url}/v1/health/ready", trust_env=False)
    assert answer.status_code == 200
