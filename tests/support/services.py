"""`scripts/services` as tests see it: the servers that all test processes of a checkout share, and where programs are.

It starts and installs on first use and is safe to call from several test processes at once.
"""

import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ROOT / "scripts" / "services"
UNAVAILABLE = 3
_SECONDS = 600  # the first start on a fresh machine downloads packages


def run_services(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SERVICES, *arguments], capture_output=True, text=True, timeout=_SECONDS, check=False)


def start_shared(name: str) -> str:
    """Start a server unless it runs already. Gives its address, as `scripts/services url` prints it."""
    _demand("up", name)
    return _demand("url", name)


@cache
def home_of(name: str) -> Path:
    """The folder with a server's programs, installed if they were missing."""
    return Path(_demand("home", name))


def _demand(*arguments: str) -> str:
    ran = run_services(*arguments)
    if ran.returncode != 0:
        pytest.fail(f"scripts/services {' '.join(arguments)}: {ran.stderr.strip()}", pytrace=False)
    return ran.stdout.strip()
