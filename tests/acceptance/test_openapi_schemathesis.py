"""The API does what its own description says: schemathesis reads the description and tries to find a contradiction.

It runs as a user would run it, with the repository's settings, against the real program. `/v1/records` is left out
where it is only another name, and the logout, which would end the run's own session; what remains takes well under a
minute. One worker: Python 3.11 parses with one recursion counter for all threads, and hypothesis parses.
"""

import re
import subprocess
import sys
from pathlib import Path

from support.program import Program

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "schemathesis.cli")
SECONDS = 110


def run_schemathesis(program: Program, folder: Path, *arguments: str) -> str:
    """Gives its report."""
    authorization = program.client().headers["Authorization"]
    command = (
        *COMMAND,
        f"--config-file={ROOT / 'schemathesis.toml'}",
        "run",
        f"{program.base_url}/openapi.json",
        f"--header=Authorization: {authorization}",
        "--exclude-path=/v1/auth/logout",
        "--exclude-path=/v1/records",
        "--exclude-path=/v1/records/{execution_id}",
        "--continue-on-failure",
        "--no-color",
        "--workers=1",
        *arguments,
    )
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert re.search(r"Tested: [4-9]\d", done.stdout), done.stdout + done.stderr
    return done.stdout if done.returncode else ""


def test_schemathesis_finds_no_fault_at_the_edges_of_what_the_description_allows(module_program, tmp_path):
    assert run_schemathesis(module_program, tmp_path, "--phases=examples,coverage") == ""


def test_schemathesis_finds_no_fault_by_chance(module_program, tmp_path):
    assert run_schemathesis(module_program, tmp_path, "--phases=fuzzing", "--max-examples=10", "--seed=1") == ""
