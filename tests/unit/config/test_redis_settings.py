import pytest

from distributedjob.config import load_settings
from distributedjob.model.errors import Invalid

FIRST, SECOND = "rediss://dj:p%40ss@redis.example.com:6380/3", "redis://:secret@[::1]"


@pytest.mark.parametrize("url", ["redis://10.0.0.1", "redis://redis:6379", "redis://redis:6379/", FIRST, SECOND])
def test_addresses_of_redis_are_taken_as_they_are_usually_written(url):
    assert load_settings(redis_url=url).redis_url.get_secret_value() == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "10.0.0.1:6379",
        "http://s3cret@redis:6379",
        "unix:///run/redis.sock",
        "redis://",
        "redis://redis:99999",
        "redis://redis:s3cret",
        "redis://redis/db",
        "redis://redis:6379/0?ssl_cert_reqs=none&password=s3cret",
        "redis://redis#s3cret",
        "redis://[::1",
    ],
)
def test_what_is_no_address_of_a_redis_is_refused_without_repeating_it(url):
    with pytest.raises(Invalid) as refused:
        load_settings(redis_url=url)
    [error] = refused.value.errors

    assert error.field == "redis_url"
    assert "s3cret" not in str(refused.value) + error.message


def test_a_ca_without_tls_is_refused():
    with pytest.raises(Invalid) as refused:
        load_settings(redis_url="redis://redis", redis_ca="/etc/ca.pem")

    assert "redis_ca: needs a redis_url that begins with rediss://" in refused.value.errors[0].message
