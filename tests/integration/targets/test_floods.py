"""Answers made to exhaust the caller: memory stays bounded and the slot is free in time."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from distributedjob.model.outcome import Answered, Unclear
from distributedjob.model.target import HttpMethod, HttpTarget, SuccessRule

from .flooding import FLOODS

AT_ONCE = 4
ALLOWED_MB = 20.0
TOTAL_TIMEOUT = 1.5
IN_TIME = TOTAL_TIMEOUT + 1.0

TOO_LARGE_HEADS = ("headers", "line", "name", "reason", "interim")
LARGE_BODIES = ("stream", "endless", "chunks", "bomb")


@pytest.fixture(scope="module")
def flood_url():
    """Where the hostile server listens; it is another process, so that its memory is not ours."""
    command = [sys.executable, str(Path(__file__).with_name("flooding.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        yield f"http://127.0.0.1:{int(child.stdout.readline())}/"
        child.stdin.close()
        child.wait(10)


def memory_mb(field: str) -> float:
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(field)) / 1024


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


async def flooded(client, url):
    """Several calls at once, whose rule makes them keep as much as they ever do."""
    target = HttpTarget(url, HttpMethod.GET, success=SuccessRule(body_contains="never there"))
    return await asyncio.gather(*(client.call(target, total_timeout=TOTAL_TIMEOUT) for _ in range(AT_ONCE)))


@pytest.mark.parametrize("flood", sorted(FLOODS))
async def test_a_flood_costs_little_memory_and_frees_the_slot_in_time(flood_url, client, flood):
    await flooded(client, flood_url + flood)  # what is allocated once and kept is not counted
    forget_peak()
    before, started = memory_mb("VmRSS"), time.monotonic()

    await flooded(client, flood_url + flood)
    took, grown = time.monotonic() - started, memory_mb("VmHWM") - before

    assert took < IN_TIME
    assert grown < ALLOWED_MB


@pytest.mark.parametrize("flood", LARGE_BODIES)
async def test_an_answer_over_the_cap_counts_when_its_rule_needs_no_body(flood_url, client, flood):
    outcome = await client.call(flood_url + flood)

    assert (type(outcome), outcome.accepted, outcome.answer.truncated) == (Answered, True, True)
    assert len(outcome.answer.body) <= 65536


@pytest.mark.parametrize("flood", LARGE_BODIES)
async def test_an_answer_over_the_cap_is_no_success_when_its_rule_needs_the_rest(flood_url, client, flood):
    target = HttpTarget(flood_url + flood, HttpMethod.GET, success=SuccessRule(body_contains="never there"))

    outcome = await client.call(target)

    assert (type(outcome), outcome.accepted) == (Answered, False)
    assert "bytes were read" in outcome.message


@pytest.mark.parametrize("flood", TOO_LARGE_HEADS)
async def test_a_head_over_the_cap_is_unclear(flood_url, client, flood):
    outcome = await client.call(flood_url + flood)

    assert (type(outcome), outcome.reason) == (Unclear, "response_too_large")


@pytest.mark.parametrize("flood", ["drip", "headdrip"])
async def test_a_drip_ends_with_the_total_timeout(flood_url, client, flood):
    outcome = await client.call(flood_url + flood, total_timeout=0.3)

    assert (type(outcome), outcome.timed_out) == (Unclear, True)
