"""`{{ name }}`: a closed list of names, values from the run, nothing evaluated."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from distributedjob.targets.templates import NAMES, RenderError, RunVariables, parse

RUN = RunVariables(
    task_id=11,
    task_name="nightly",
    execution_id=22,
    attempt=3,
    fire_at=1_774_747_800_000_000,
    zone=ZoneInfo("Europe/Berlin"),
    idempotency_key="key",
    params={"name": "Ann", "deep": {"list": [1, "a"], "flag": True, "n": None}, "weird key": 1},
)


def rendered(text, run=RUN):
    return parse(text).render(run, encode=lambda value: value)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("", ""),
        ("{{ task.name }}", "nightly"),
        ("{{task.id}}/{{ execution.id }}/{{attempt}}", "11/22/3"),
        ("{{ fire_at }}", "2026-03-29T03:30:00+02:00"),
        ("{{ fire_at_utc }}", "2026-03-29T01:30:00Z"),
        ("{{ fire_date }}", "2026-03-29"),
        ("{{ fire_at_unix }}", "1774747800"),
        ("{{ idempotency_key }}", "key"),
        ("a {{ params.name }} b", "a Ann b"),
        ("{{ params.deep.list }}", '[1,"a"]'),
        ("{{ params.deep.flag }}{{ params.deep.n }}", "truenull"),
        ("{{ params.weird key }}", "1"),
        ("}} { } {a}", "}} { } {a}"),
        ("{{ '{{' }}x}}", "{{x}}"),
        ("a{{'{{'}}b{{ attempt }}", "a{{b3"),
    ],
)
def test_a_text_is_filled(text, result):
    assert rendered(text) == result


def test_the_fire_date_is_the_date_in_the_schedules_zone():
    before_midnight_utc = RUN._replace(fire_at=1_774_738_800_000_000 - 3_600_000_000)

    assert rendered("{{ fire_date }}", before_midnight_utc) == "2026-03-28"
    assert rendered("{{ fire_date }}", before_midnight_utc._replace(zone=ZoneInfo("Asia/Tokyo"))) == "2026-03-29"


@pytest.mark.parametrize(
    "text",
    [
        "{{ nothing }}",
        "{{ task }}",
        "{{ params }}",
        "{{ params. }}",
        "{{ params..x }}",
        "{{ task.__class__ }}",
        "{{ 7*7 }}",
        "{{ attempt|upper }}",
        "{{ }}",
        "{{{{ attempt }}}}",
    ],
)
def test_an_unknown_name_is_refused_with_the_allowed_ones(text):
    with pytest.raises(ValueError, match=r"not known in a template; allowed are task\.id, task\.name"):
        parse(text)


@pytest.mark.parametrize("text", ["{{ attempt", "{{ attempt }", "{{ '{{' ", "{{ '{{' x }}"])
def test_a_brace_that_never_closes_is_refused(text):
    with pytest.raises(ValueError, match="never closed"):
        parse(text)


@pytest.mark.parametrize("name", ["params.other", "params.name.more", "params.deep.list.0", "params.__class__"])
def test_a_parameter_the_run_does_not_have_cannot_be_rendered(name):
    with pytest.raises(RenderError, match=f"no parameter '{name.removeprefix('params.')}'"):
        rendered(f"{{{{ {name} }}}}")


def test_a_value_is_never_read_as_a_template():
    assert rendered("{{ params.name }}", RUN._replace(params={"name": "{{ attempt }}"})) == "{{ attempt }}"


@pytest.mark.parametrize("name", NAMES)
def test_every_listed_name_has_a_value(name):
    assert rendered(f"{{{{ {name} }}}}", RUN._replace(zone=UTC)) != ""
