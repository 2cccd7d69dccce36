"""The lock files work with any mirror and any supported Python: exact, hashed, without a word about where from."""

import re
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"


@pytest.mark.parametrize("name", ["runtime.txt", "dev.txt", "build.txt"])
def test_a_lock_names_no_package_host(name):
    text = (REQUIREMENTS / name).read_text()

    assert re.findall(r".*://.*|^\s*--(?:index|extra-index|find-links).*", text, flags=re.MULTILINE) == []


@pytest.mark.parametrize("name", ["runtime.txt", "dev.txt", "build.txt"])
def test_every_locked_requirement_is_exact_and_hashed(name):
    text = (REQUIREMENTS / name).read_text()
    requirements = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    loose = [line for line in requirements if not re.match(r"^[a-z0-9._\[\]-]+==\S+( ; .*)? \\$", line)]

    assert requirements
    assert loose == []
