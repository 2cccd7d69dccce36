"""docs/operations.md names exactly the metrics that a running program shows."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()


def test_the_documented_metrics_are_those_of_the_running_program(program):
    with program.client() as client:
        text = client.get("/metrics").text
    shown = {
        f"{name}_total" if kind == "counter" and not name.endswith("_total") else name
        for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, flags=re.MULTILINE)
        if not name.endswith("_created")
    }

    assert set(re.findall(r"`(distributedjob_[a-z_]+)`", PAGE)) == shown
