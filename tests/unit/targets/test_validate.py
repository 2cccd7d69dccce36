"""Faults of a target, named by field for the person who saves it."""

import ipaddress
from dataclasses import replace

import pytest

from distributedjob.model.target import (
    Body,
    BodyKind,
    HttpMethod,
    HttpTarget,
    JsonPathRule,
    StatusRange,
    SuccessRule,
    Tls,
)
from distributedjob.targets.egress import EMBEDDED, GUARDED, EgressPolicy
from distributedjob.targets.render import compile_target
from distributedjob.targets.validate import validate_target

GOOD = HttpTarget(
    "https://example.com/{{ task.id }}?a={{ params.b }}",
    HttpMethod.POST,
    headers=(("X-Own", "{{ attempt }}"), ("Authorization", "Bearer x"), ("User-Agent", "mine"), ("x-empty", "")),
    query=(("q", "{{ fire_date }}"),),
    body=Body(BodyKind.JSON, {"a": ["{{ fire_at }}", 1, None]}),
    success=SuccessRule((StatusRange(200, 204),), "ok", "ok$", JsonPathRule("$.a[0]", None)),
    redirects=3,
)


def faults(**changes):
    return [(fault.field, fault.message) for fault in validate_target(replace(GOOD, **changes))]


def the_fault(**changes):
    found = faults(**changes)
    assert len(found) == 1
    return found[0]


def test_a_good_target_has_no_fault_and_compiles():
    assert faults() == []
    assert compile_target(GOOD).plan.method is HttpMethod.POST


@pytest.mark.parametrize(
    "url",
    ["", "example.com", "ftp://x/", "http://u@h/", "http://h/#f", "http://h/ a", "http://h/{{ no }}", "http://h/{{"],
)
def test_a_bad_url_is_a_fault_of_the_url(url):
    assert the_fault(url=url)[0] == "url"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "not a header name"),
        ("a b", "not a header name"),
        ("a:b", "not a header name"),
        ("a\r\nb", "not a header name"),
        ("ä", "not a header name"),
        ("Host", "put the host there"),
        ("hOST", "put the host there"),
        ("Content-Length", "follows from the body"),
        ("Transfer-Encoding", "follows from the body"),
        ("Connection", "belongs to the connection"),
        ("Keep-Alive", "belongs to the connection"),
        ("Proxy-Authorization", "belongs to the connection"),
        ("TE", "belongs to the connection"),
        ("Trailer", "belongs to the connection"),
        ("Upgrade", "belongs to the connection"),
        ("Expect", "belongs to the connection"),
        ("Idempotency-Key", "set by the scheduler"),
        ("traceparent", "set by the scheduler"),
        ("x-distributedjob-anything", "set by the scheduler"),
    ],
)
def test_a_header_name_that_may_not_be_set(name, words):
    field, message = the_fault(headers=(("X-Fine", "1"), (name, "v")))

    assert field == "headers[1].name"
    assert words in message


@pytest.mark.parametrize(
    "value", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b", "a\x7fb", "\x1b[31m", "x" * 8001, "{{ no }}"]
)
def test_a_header_value_that_may_not_be_sent(value):
    assert the_fault(headers=(("X-A", value),))[0] == "headers[0].value"


def test_a_tab_and_any_letter_are_fine_in_a_header_value():
    assert faults(headers=(("X-A", "a\tb ä 漢"),)) == []


def test_too_many_headers():
    assert the_fault(headers=tuple((f"X-{number}", "") for number in range(65)))[0] == "headers"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ((("", "x"),), "query[0].name"),
        ((("a", "{{ no }}"),), "query[0].value"),
        ((("a", "x" * 8001),), "query[0].value"),
    ],
)
def test_a_bad_query(query, field):
    assert the_fault(query=query)[0] == field


@pytest.mark.parametrize(
    "body",
    [
        Body(BodyKind.TEXT, {"a": 1}),
        Body(BodyKind.TEXT, "{{ no }}"),
        Body(BodyKind.JSON, {"a": [{"b": "{{ no }}"}]}),
        Body(BodyKind.FORM, "a=b"),
        Body(BodyKind.FORM, {"a": 1}),
        Body(BodyKind.FORM, {"a": "{{ no }}"}),
        Body(BodyKind.BASE64, "%%%"),
        Body(BodyKind.BASE64, 5),
        Body(BodyKind.TEXT, "x" * (1024 * 1024 + 1)),
    ],
)
def test_a_bad_body(body):
    assert the_fault(body=body)[0] == "body.content"


def test_json_nested_too_deep_is_refused():
    content = []
    for _ in range(100):
        content = [content]

    assert "nested deeper" in the_fault(body=Body(BodyKind.JSON, content))[1]


@pytest.mark.parametrize("content_type", ["text", "text/plain\r\nX: y", "a/{{ no }}"])
def test_a_bad_content_type(content_type):
    assert the_fault(body=Body(BodyKind.TEXT, "x", content_type))[0] == "body.content_type"


def test_a_content_type_set_twice():
    field, message = the_fault(headers=(("content-type", "a/b"),), body=Body(BodyKind.TEXT, "x", "text/html"))

    assert field == "headers[0].name"
    assert "set twice" in message


def test_a_body_on_head():
    assert the_fault(method=HttpMethod.HEAD)[0] == "body"


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (SuccessRule(statuses=()), "success.statuses"),
        (SuccessRule(statuses=(StatusRange(200, 299), StatusRange(100, 200))), "success.statuses[1]"),
        (SuccessRule(statuses=(StatusRange(300, 200),)), "success.statuses[0]"),
        (SuccessRule(statuses=(StatusRange(200, 600),)), "success.statuses[0]"),
        (SuccessRule(body_contains=""), "success.body_contains"),
        (SuccessRule(body_matches="("), "success.body_matches"),
        (SuccessRule(json_path=JsonPathRule("$..a", 1)), "success.json_path.path"),
        (SuccessRule(json_path=JsonPathRule("$.a[?(@.b)]", 1)), "success.json_path.path"),
    ],
)
def test_a_bad_success_rule(rule, field):
    assert the_fault(success=rule)[0] == field


@pytest.mark.parametrize("ca", ["", "not pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_bad_authority(ca):
    assert the_fault(tls=Tls(ca=ca))[0] == "tls.ca"


@pytest.mark.parametrize("count", [-1, 4])
def test_a_bad_number_of_redirects(count):
    assert the_fault(redirects=count)[0] == "redirects"


def test_all_faults_come_at_once():
    fields = [field for field, _ in faults(url="x", headers=(("Host", "\n"),), redirects=9)]

    assert fields == ["url", "headers[0].name", "headers[0].value", "redirects"]


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f.1", "[::1]", "10.1.1.1", "169.254.169.254", "2130706433"])
def test_a_literal_address_that_the_policy_denies(host):
    found = validate_target(HttpTarget(f"http://{host}/"), egress=GUARDED)

    assert [(fault.field, fault.code) for fault in found] == [("url", "egress_denied")]


def test_a_literal_address_that_the_policy_allows():
    policy = EgressPolicy(networks=(ipaddress.ip_network("10.0.0.0/8"),))

    assert validate_target(HttpTarget("http://10.1.1.1/"), egress=policy) == []
    assert validate_target(HttpTarget("http://127.0.0.1/"), egress=EMBEDDED) == []


def test_a_name_is_not_looked_up_when_a_task_is_saved():
    assert validate_target(HttpTarget("http://localhost/"), egress=GUARDED) == []
