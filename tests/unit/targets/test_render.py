"""The bytes of a request: values encoded for their place, nothing else changed."""

from datetime import UTC

import pytest

from distributedjob.model.outcome import NotSent
from distributedjob.model.target import Body, BodyKind, HttpMethod, HttpTarget
from distributedjob.targets.render import compile_target
from distributedjob.targets.templates import RunVariables

HOSTILE = "a b/../?#&=%\"'\\ä"


def run(**params):
    return RunVariables(11, 'the "task"', 22, 1, 0, UTC, "key", params)


def request(target, *, headers=(), **params):
    return compile_target(target).request(run(**params), headers=headers)


def head_lines(rendered):
    return rendered.head.decode().split("\r\n")


def test_a_target_without_templates_is_encoded_once():
    compiled = compile_target(HttpTarget("http://h/", body=Body(BodyKind.TEXT, "x")))

    assert compiled.request(run()).head is compiled.request(run()).head


def test_a_value_in_the_path_stays_one_segment():
    rendered = request(HttpTarget("http://h/a/{{ params.v }}/c", HttpMethod.GET), v=HOSTILE)

    assert head_lines(rendered)[0] == "GET /a/a%20b%2F..%2F%3F%23%26%3D%25%22%27%5C%C3%A4/c HTTP/1.1"


def test_a_value_in_the_query_stays_one_value():
    target = HttpTarget("http://h/?x={{ params.v }}", HttpMethod.GET, query=(("y z", "{{ params.v }}!"),))

    encoded = "a%20b%2F..%2F%3F%23%26%3D%25%22%27%5C%C3%A4"
    assert head_lines(request(target, v=HOSTILE))[0] == f"GET /?x={encoded}&y%20z={encoded}%21 HTTP/1.1"


@pytest.mark.parametrize("value", [".", ".."])
def test_a_value_that_would_climb_in_the_path_is_not_sent(value):
    outcome = request(HttpTarget("http://h/a/{{ params.v }}/b"), v=value)

    assert (type(outcome), outcome.reason) == (NotSent, "render_failed")


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\n", "\0"])
def test_a_value_that_would_end_a_header_line_is_not_sent(value):
    outcome = request(HttpTarget("http://h/", headers=(("X-A", "v {{ params.v }}"),)), v=value)

    assert (type(outcome), outcome.reason) == (NotSent, "render_failed")


def test_a_parameter_that_is_missing_is_not_sent():
    outcome = request(HttpTarget("http://h/{{ params.gone }}"))

    assert outcome == NotSent("render_failed", "this run has no parameter 'gone', which a template asks for")


def test_a_value_in_json_stays_inside_its_string():
    body = Body(BodyKind.JSON, {"a": 'say "{{ params.v }}"', "{{ key }}": [1, None, True, "{{ task.name }}"]})

    rendered = request(HttpTarget("http://h/", body=body), v='x", "evil": "1\n')

    assert rendered.body == rb'{"a":"say \"x\", \"evil\": \"1\n\"","{{ key }}":[1,null,true,"the \"task\""]}'


def test_a_value_in_a_form_stays_one_field():
    body = Body(BodyKind.FORM, {"a&b": "{{ params.v }}", "c": "d e"})

    assert request(HttpTarget("http://h/", body=body), v="1&x=2+3").body == b"a%26b=1%26x%3D2%2B3&c=d+e"


def test_a_text_body_takes_values_as_they_are():
    body = Body(BodyKind.TEXT, "{{ params.v }}\n")

    assert request(HttpTarget("http://h/", body=body), v="ä\r\n").body == "ä\r\n\n".encode()


def test_a_base64_body_is_sent_as_bytes_without_templates():
    body = Body(BodyKind.BASE64, "AAEC\n/w==")

    assert request(HttpTarget("http://h/", body=body)).body == b"\x00\x01\x02\xff"


@pytest.mark.parametrize(
    ("kind", "content", "content_type"),
    [
        (BodyKind.TEXT, "x", "text/plain; charset=utf-8"),
        (BodyKind.JSON, {}, "application/json"),
        (BodyKind.FORM, {}, "application/x-www-form-urlencoded"),
        (BodyKind.BASE64, "", "application/octet-stream"),
    ],
)
def test_each_kind_of_body_has_its_content_type(kind, content, content_type):
    assert f"Content-Type: {content_type}" in head_lines(request(HttpTarget("http://h/", body=Body(kind, content))))


def test_a_header_of_the_target_replaces_the_default():
    target = HttpTarget(
        "http://h/", headers=(("content-type", "a/b"), ("accept", "c/d")), body=Body(BodyKind.TEXT, "x")
    )

    lines = [line.lower() for line in head_lines(request(target))]

    assert [line for line in lines if line.startswith(("content-type", "accept:"))] == [
        "content-type: a/b",
        "accept: c/d",
    ]


@pytest.mark.parametrize(
    ("method", "length"),
    [
        (HttpMethod.GET, False),
        (HttpMethod.HEAD, False),
        (HttpMethod.DELETE, False),
        (HttpMethod.POST, True),
        (HttpMethod.PUT, True),
        (HttpMethod.PATCH, True),
    ],
)
def test_a_request_without_a_body_says_so_where_one_is_expected(method, length):
    assert ("Content-Length: 0" in head_lines(request(HttpTarget("http://h/", method)))) is length


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://h/", "h"),
        ("http://h:80/", "h"),
        ("http://h:81/", "h:81"),
        ("https://h:443/", "h"),
        ("https://h:80/", "h:80"),
        ("http://[::1]/", "[::1]"),
        ("http://[::1]:8080/", "[::1]:8080"),
    ],
)
def test_the_host_header_follows_from_the_url(url, host):
    assert head_lines(request(HttpTarget(url)))[1] == f"Host: {host}"


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\0"])
def test_a_line_break_in_the_schedulers_own_headers_is_never_sent(value):
    outcome = request(HttpTarget("http://h/"), headers=(("X-DistributedJob-Task", value),))

    assert (type(outcome), outcome.reason) == (NotSent, "render_failed")


def test_the_schedulers_own_headers_come_last_and_unchanged():
    rendered = request(HttpTarget("http://h/"), headers=(("Idempotency-Key", "k"), ("X-DistributedJob-Task", "漢")))

    assert rendered.appended == "Idempotency-Key: k\r\nX-DistributedJob-Task: 漢\r\n".encode()
