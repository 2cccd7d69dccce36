"""What a database URL may say is known before anything connects."""

import pytest

from distributedjob.model.errors import Invalid
from distributedjob.store.open import parse_url

SERVER = "mysql://user:secret@db.example.com:3306/distributedjob"


def test_a_url_names_the_ca_of_the_servers_certificate(tmp_path):
    ca = tmp_path / "ca.pem"
    ca.touch()

    assert parse_url(f"{SERVER}?ssl_ca={ca}&ssl_check_hostname=false").query["ssl_ca"] == str(ca)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("ssl=true", "takes no option 'ssl'; allowed are ssl_ca, ssl_cert, ssl_key, ssl_check_hostname"),
        ("ssl_ca=/nowhere/ca.pem", "ssl_ca names no file: /nowhere/ca.pem"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(options, words):
    with pytest.raises(Invalid) as refused:
        parse_url(f"{SERVER}?{options}")

    assert refused.value.message == f"database_url: {words}"
