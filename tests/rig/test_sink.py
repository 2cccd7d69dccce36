"""The sink and the reader of its log, spoken to over real sockets."""

import asyncio
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rig.arrivals import read_calls
from rig.facts import Call, Ending
from rig.sink import parse_script

pytestmark = pytest.mark.timeout(60)
_TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class RunningSink:
    child: "subprocess.Popen[bytes]"
    port: int
    log: Path

    def stop(self) -> tuple[Call, ...]:
        self.child.send_signal(signal.SIGTERM)
        self.child.wait(10)
        return read_calls(self.log)


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[RunningSink]:
    log = tmp_path / "arrivals.log"
    command = [sys.executable, "-m", "rig.sink", "--log", str(log), "--seed", "5"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=_TESTS)
    assert child.stdout is not None
    yield RunningSink(child, int(child.stdout.readline()), log)
    child.kill()
    child.wait()


def _request(path: str, *, method: str = "POST", attempt: int = 1, execution: int = 42) -> bytes:
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nIdempotency-Key: k1\r\n"
        f"X-DistributedJob-Task: 7\r\nX-DistributedJob-Execution: {execution}\r\n"
        f"X-DistributedJob-Attempt: {attempt}\r\nX-DistributedJob-Fire-At: 2026-11-24T18:00:01Z\r\n\r\nhi"
    )
    return head.encode()


async def _exchange(port: int, *requests: bytes, wait_seconds: float = 5.0) -> list[bytes]:
    """Send the requests one after the other on one connection; empty bytes for an answer that did not come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    for request in requests:
        writer.write(request)
        try:
            answers.append(await asyncio.wait_for(reader.read(4096), wait_seconds))
        except (TimeoutError, ConnectionError):
            answers.append(b"")
    writer.close()
    return answers


async def test_a_call_is_logged_with_its_headers_and_its_answer(sink: RunningSink) -> None:
    (answer,) = await _exchange(sink.port, _request("/ok/a", method="PUT", attempt=3))
    (call,) = sink.stop()
    assert answer.startswith(b"HTTP/1.1 200")
    assert (call.method, call.task_id, call.execution_id, call.attempt, call.key) == ("PUT", 7, 42, 3, "k1")
    assert call.fire_at == 1_795_543_201_000_000
    assert call.succeeded
    assert call.ended_at is not None
    assert 0 <= call.ended_at - call.arrived_at < 1_000_000


async def test_an_error_is_an_answered_500(sink: RunningSink) -> None:
    (answer,) = await _exchange(sink.port, _request("/error/a"))
    (call,) = sink.stop()
    assert answer.startswith(b"HTTP/1.1 500")
    assert (call.ending, call.status, call.succeeded) == (Ending.ANSWERED, 500, False)


async def test_close_ends_a_kept_alive_connection_without_a_byte(sink: RunningSink) -> None:
    first, second = await _exchange(sink.port, _request("/ok/a"), _request("/close/a"))
    calls = sink.stop()
    assert first.startswith(b"HTTP/1.1 200")
    assert second == b""
    assert [(call.position, call.ending) for call in calls] == [(1, Ending.ANSWERED), (2, Ending.CLOSED)]


async def test_a_hung_call_that_the_caller_gives_up_is_logged_as_lost(sink: RunningSink) -> None:
    (answer,) = await _exchange(sink.port, _request("/hang/a"), wait_seconds=0.2)
    await _exchange(sink.port, _request("/ok/a"))
    hung, _ = sink.stop()
    assert answer == b""
    assert hung.ending is Ending.LOST
    assert hung.ended_at is not None
    assert hung.ended_at - hung.arrived_at > 150_000


async def test_a_call_in_the_air_when_the_sink_stops_stays_open(sink: RunningSink) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", sink.port)
    writer.write(_request("/hang/a"))
    await _exchange(sink.port, _request("/ok/a"))
    calls = sink.stop()
    writer.close()
    assert [call.ending for call in calls] == [Ending.OPEN, Ending.ANSWERED]


async def test_a_script_by_attempt_uses_its_last_group_for_all_later_attempts(sink: RunningSink) -> None:
    requests = [_request("/error.ok/a", attempt=attempt) for attempt in (1, 2, 3)]
    answers = await _exchange(sink.port, *requests)
    assert [answer[9:12] for answer in answers] == [b"500", b"200", b"200"]


async def test_weights_are_kept_by_the_seeded_choice(sink: RunningSink) -> None:
    await _exchange(sink.port, *[_request("/ok80-error20/a")] * 1000)
    counts = Counter(call.behaviour for call in sink.stop())
    assert 740 <= counts["ok"] <= 860
    assert counts["ok"] + counts["error"] == 1000


def test_an_unknown_word_in_a_script_is_refused() -> None:
    with pytest.raises(ValueError, match="words are"):
        parse_script("/okay/a")


@pytest.mark.slow
async def test_the_sink_takes_ten_thousand_calls_a_second(sink: RunningSink) -> None:
    """64 connections from this process, so the figure is that of caller and sink together on shared cores."""
    total, connections = 20_000, 64
    request = _request("/ok/a")

    async def call_often(count: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", sink.port)
        for _ in range(count):
            writer.write(request)
            await reader.readuntil(b"ok")
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*[call_often(total // connections) for _ in range(connections)])
    rate = (total // connections) * connections / (time.perf_counter() - began)
    assert rate > 10_000, f"{rate:,.0f}/s"
