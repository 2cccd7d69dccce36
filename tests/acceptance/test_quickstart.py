"""The quickstart does what it says: its shell blocks run, in order, against a real program and a real endpoint."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "quickstart.md"


@pytest.fixture
def walk(program, http_target, tmp_path):
    """Run the page's `sh` blocks up to the heading with this number, and give what they printed."""

    def run(last_chapter: int) -> str:
        text, *_ = PAGE.read_text().split(f"\n## {last_chapter + 1}. ")
        script = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL))
        script = script.replace("127.0.0.1:8080", f"127.0.0.1:{program.port}")
        script = script.replace("127.0.0.1:9000", f"127.0.0.1:{http_target.port}")
        script = script.replace("the password that was printed", program.admin_password)
        shell = ["bash", "-euo", "pipefail", "-c", script]
        done = subprocess.run(shell, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{program.log_text()}"
        return done.stdout

    return run


def documents(text: str) -> list[dict]:
    """The JSON documents that were printed one after the other."""
    decoder, found = json.JSONDecoder(), []
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:]
    return found


def test_the_first_task_calls_its_target_within_seconds(walk, http_target):
    walk(4)

    (first, *_) = http_target.wait_for(1, timeout_seconds=8)
    assert first.header("Idempotency-Key")


def test_a_disabled_task_still_runs_by_hand(walk):
    *_, execution = documents(walk(6))

    assert execution["trigger"] in {"manual", "api"}


def test_the_preview_moves_the_missing_half_past_two_to_three(walk):
    *_, preview = documents(walk(7))

    assert [fire["local"][:16] for fire in preview["fires"]] == [
        "2027-03-27T02:30",
        "2027-03-28T03:00",
        "2027-03-29T02:30",
        "2027-03-30T02:30",
    ]


def test_the_whole_page_runs_to_its_end(walk):
    walk(99)
