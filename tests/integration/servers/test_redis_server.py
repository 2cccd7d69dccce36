"""A Redis of a test's own does what a test asks of it: dies, freezes, encrypts, and lets in only whom it should."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from support.certificates import make_certificates
from support.redis_server import RedisServer, RedisUser


@contextmanager
def client(url: str, **options) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(url, socket_timeout=1, retry=None, **options) as connection:
        yield connection


def test_the_shared_server_answers(redis_url):
    with client(redis_url) as connection:
        assert connection.ping()


def test_a_restarted_server_is_empty_and_keeps_its_address(redis_server):
    with client(redis_server.url) as connection:
        connection.set("key", "value")

        redis_server.restart()

        assert connection.get("key") is None


def test_a_frozen_server_answers_after_it_was_thawed(redis_server):
    with client(redis_server.url) as connection:
        connection.set("key", "value")
        redis_server.freeze()
        with pytest.raises(redis.TimeoutError):
            connection.get("key")

        redis_server.thaw()

        assert connection.get("key") == b"value"


def test_a_user_may_do_what_the_rules_allow_over_tls_and_nothing_else(tmp_path):
    certificates = make_certificates(tmp_path / "certificates")
    user = RedisUser(name="dj", password="one-of-many", rules=("~dj:*", "&dj:*", "+@all"))
    options = {"ssl_ca_certs": str(certificates.ca)}
    with RedisServer(tmp_path / "redis", user=user, tls=certificates) as server, client(server.url, **options) as dj:
        dj.set("dj:key", "value")

        with pytest.raises(redis.exceptions.NoPermissionError):
            dj.set("foreign:key", "value")


def test_a_stranger_is_refused(redis_server):
    stranger = redis_server.url.replace("redis-tests-alone", "guess")

    with client(stranger) as connection, pytest.raises(redis.AuthenticationError):
        connection.ping()


def test_a_certificate_of_another_ca_is_not_trusted(tmp_path):
    options = {"ssl_ca_certs": str(make_certificates(tmp_path / "other").ca)}
    own = make_certificates(tmp_path / "certificates")
    with (
        RedisServer(tmp_path / "redis", tls=own) as server,
        client(server.url, **options) as connection,
        pytest.raises(redis.ConnectionError, match="certificate verify failed"),
    ):
        connection.ping()
