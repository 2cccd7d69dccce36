"""docs/operations.md names exactly the metrics that a running program shows."""

import asyncio
import re
from pathlib import Path

from distributedjob.store import schema

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()


def test_the_documented_metrics_are_those_of_the_running_program(start_program, mariadb_url):
    """On a server, where a program has those that it has on SQLite, and those of its connections."""
    asyncio.run(schema.upgrade(mariadb_url))
    program = start_program(settings={"DISTRIBUTEDJOB_DATABASE_URL": mariadb_url})
    with program.client() as client:
        text = client.get("/metrics").text
    shown = {
        f"{name}_total" if kind == "counter" and not name.endswith("_total") else name
        for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, flags=re.MULTILINE)
        if not name.endswith("_created")
    }

    assert set(re.findall(r"`(distributedjob_[a-z_]+)`", PAGE)) == shown
