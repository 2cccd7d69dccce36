"""host:port, and nothing that merely looks like it."""

import pytest

from distributedjob.model.endpoint import is_endpoint, split_endpoint


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:2379", "127.0.0.1", 2379),
        ("etcd-0.etcd.svc.cluster.local:2379", "etcd-0.etcd.svc.cluster.local", 2379),
        ("[::1]:2379", "::1", 2379),
        ("[fe80::1]:65535", "fe80::1", 65535),
    ],
)
def test_an_address_is_split_into_host_and_port(text: str, host: str, port: int) -> None:
    assert split_endpoint(text) == (host, port)


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", ":2379", "host", "host:", "host:0", "host:65536", "host:http", "::1:2379", "[::1]", "[]:1", "a b:1"),
        *("http://host:2379", "host:2379/", "user@host:1", "a,b:1", "host:+1", "host:２", "\x00:1", "host:1\n"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    assert not is_endpoint(text)


def test_the_refusal_says_how_it_is_written() -> None:
    with pytest.raises(ValueError, match=r"'http://a:1' is no host:port; write it like 10.0.0.1:2379 or"):
        split_endpoint("http://a:1")
