"""What a task file means, beside what the server has."""

from pathlib import Path

import pytest

from distributedjob.cli.documents import check, compact, meant_by, writable
from distributedjob.cli.manifest import read_manifests
from distributedjob.model.errors import Invalid

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))
SMALL = {"name": "a", "target": {"url": "http://x.example/"}}
CRON = {"kind": "cron", "expression": "* * * * *"}
EVERY_MINUTE = {"kind": "interval", "every_seconds": 60, "anchor": "2026-01-01T00:00:00Z"}


def as_served(document):
    """A task as the server would show it, with what only a server says."""
    saved = meant_by(document, present={**SMALL, "schedules": []})
    schedules = [{**schedule, "next_fire_at": None} for schedule in saved["schedules"]]
    return {**saved, "id": "7", "revision": 3, "updated_by": "admin", "schedules": schedules}


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_each_example_is_a_valid_task_file(file):
    for manifest in read_manifests([str(file)]):
        check(manifest.task)


def test_a_default_that_is_left_out_makes_no_difference():
    present = as_served({**SMALL, "schedules": [CRON]})
    written = {**SMALL, "enabled": True, "schedules": [{**CRON, "time_zone": "UTC"}]}
    assert meant_by(written, present=present) == meant_by(writable(present), present=present)


def test_an_interval_without_an_anchor_keeps_the_servers():
    present = as_served({**SMALL, "schedules": [EVERY_MINUTE]})
    written = {**SMALL, "schedules": [{"kind": "interval", "every_seconds": 60}]}
    assert meant_by(written, present=present)["schedules"][0]["anchor"] == "2026-01-01T00:00:00Z"


def test_what_only_the_server_says_is_not_writable():
    assert writable(as_served(SMALL)).keys() & {"id", "revision", "updated_by"} == set()


def test_a_compact_document_is_as_short_as_the_file():
    file = {"name": "a", "target": {"kind": "http", "url": "http://x.example/", "method": "POST"}, "schedules": []}
    assert compact(as_served(file) | {"id": None, "revision": None, "updated_by": None}) == file


def test_a_compact_schedule_has_no_id():
    assert "id" not in compact(writable(as_served({**SMALL, "schedules": [CRON]})))["schedules"][0]


@pytest.mark.parametrize(
    "more",
    [
        {"schedules": [CRON, EVERY_MINUTE, {"kind": "once", "at": "2030-01-01T00:00:00Z", "key": "k"}]},
        {"schedules": [{**CRON, "misfire": "all", "catchup_max_fires": 5, "jitter_seconds": 1.5}]},
        {"policies": {"overlap": "wait", "retry": {"max_attempts": 9, "table": {"404": "retry"}}}},
        {"target": {"url": "http://x.example/", "query": {"a": ["1", "2"]}, "tls": {"verify": False}}},
        {"target": {"url": "http://x.example/", "body": {"kind": "json", "content": {"a": None, "b": 1.0}}}},
        {"fallback": {"url": "http://y.example/", "method": "GET"}, "parameters": {"enabled": True, "none": None}},
    ],
)
def test_nothing_is_lost_by_compacting(more):
    present = as_served({**SMALL, **more})
    assert meant_by(compact(writable(present)), present=present) == meant_by(writable(present), present=present)


def test_a_misspelt_field_is_refused_with_its_path():
    with pytest.raises(Invalid) as caught:
        check({**SMALL, "schedules": [{**CRON, "expresion": "x"}]})
    assert [error.field for error in caught.value.errors] == ["schedules[0].expresion"]
