"""Reading URLs: what is taken apart, and what is refused with a sentence."""

import pytest

from distributedjob.targets.urls import UrlParts, parse_url, wire


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("http://example.com", UrlParts("http", "example.com", 80, "/")),
        ("https://example.com/a/b?c=d", UrlParts("https", "example.com", 443, "/a/b?c=d")),
        ("HTTPS://EXAMPLE.com:8443/", UrlParts("https", "example.com", 8443, "/")),
        ("http://example.com?x=1", UrlParts("http", "example.com", 80, "/?x=1")),
        ("http://example.com:/", UrlParts("http", "example.com", 80, "/")),
        ("http://[2001:DB8::1]:81/", UrlParts("http", "2001:db8::1", 81, "/")),
        ("http://bücher.example/", UrlParts("http", "xn--bcher-kva.example", 80, "/")),
        ("http://my_service:80/", UrlParts("http", "my_service", 80, "/")),
        ("http://h/{{ params.x }}", UrlParts("http", "h", 80, "/{{ params.x }}")),
        ("http://h/a@b:c", UrlParts("http", "h", 80, "/a@b:c")),
    ],
)
def test_a_url_is_taken_apart(text, parts):
    assert parse_url(text) == parts


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("example.com/path", "not an absolute URL"),
        ("/path", "not an absolute URL"),
        ("", "not an absolute URL"),
        ("ftp://example.com/", "scheme 'ftp' is not supported"),
        ("http:///path", "no host"),
        ("http://user:pw@example.com/", "Authorization header"),
        ("http://example.com:0/", "between 1 and 65535"),
        ("http://example.com:65536/", "between 1 and 65535"),
        ("http://example.com:80a/", "not a number"),
        ("http://example.com:٨٠/", "not a number"),
        ("http://example.com/#top", "fragment"),
        ("http://[fe80::1%25eth0]/", "zone ids"),
        ("http://[::1/", "neither a name nor an address"),
        ("http://[::1]x:80/", "not a number"),
        ("http://::1/", r"write IPv6 as \[2001:db8::1\]"),
        ("http://exa mple.com/", "neither a name nor an address"),
        ("http://exa\nmple.com/", "neither a name nor an address"),
        ("http://example.com\\@evil.example/", "not an absolute URL"),
        ("http://a%40b.example/", "neither a name nor an address"),
        ("http://{{ params.host }}/", "not in host or port"),
        ("http://example.com:{{ params.port }}/", "not in host or port"),
        ("http://h/" + "x" * 8000, "at most 8000"),
    ],
)
def test_a_url_that_could_be_read_in_two_ways_is_refused(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        parse_url(text)


def test_what_may_not_travel_is_percent_encoded_and_the_rest_left_alone():
    assert wire('/ä/%20/a+b?q={"x"}&r=[1]') == "/%C3%A4/%20/a+b?q=%7B%22x%22%7D&r=[1]"


@pytest.mark.parametrize("character", [" ", "\t", "\r", "\n", "\0", "\x7f", "\\"])
def test_a_character_that_ends_or_splits_a_request_line_is_refused(character):
    with pytest.raises(ValueError, match="not allowed in a URL"):
        wire(f"/a{character}b")
