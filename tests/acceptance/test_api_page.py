"""The page about the API does what it says: its shell blocks run, in order, and name every path there is."""

import re
import subprocess
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"


def test_the_examples_run_in_order_and_make_the_call_they_describe(program, http_target, tmp_path):
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL))
    script = script.replace("127.0.0.1:8080", f"127.0.0.1:{program.port}")
    script = script.replace("127.0.0.1:9000", f"127.0.0.1:{http_target.port}")
    script = script.replace("the password that was printed", program.admin_password)
    shell = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(shell, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{program.log_text()}"
    [call] = http_target.wait_for(1)
    assert call.header("X-Reason") == "nightly report"
    assert b'"format":"csv"' in call.body.replace(b" ", b"")


def test_the_table_of_paths_is_complete_and_names_none_that_is_not_there(module_program):
    served = module_program.client().get("/openapi.json").json()["paths"]
    table = PAGE.read_text().rpartition("## All paths")[2]
    named = re.findall(r"`(/[^`]*)`", table)

    assert {without_names(path) for path in named} == {without_names(path) for path in served}


def without_names(path: str) -> str:
    """A path whatever its parts are called: `{id}` says more to a reader than `{schedule_id}`."""
    return re.sub(r"\{\w+\}", "{}", path)
