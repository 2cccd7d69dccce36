"""What a client of Kafka is told."""

import pytest

from distributedjob.dispatch.kafka.access import KafkaAccess
from distributedjob.neighbours import KafkaSecurity

ACCESS = KafkaAccess(servers=("a:9092", "b:9092"), prefix="dj", node="n")


def settings(access: KafkaAccess) -> dict[str, object]:
    return access.client(on_error=lambda _: None, linger_ms=0)


@pytest.mark.parametrize(
    ("security", "protocol"),
    [
        ("plaintext", "PLAINTEXT"),
        ("tls", "SSL"),
        ("sasl_plaintext", "SASL_PLAINTEXT"),
        ("sasl_tls", "SASL_SSL"),
    ],
)
def test_each_security_has_the_name_that_kafka_gives_it(security: str, protocol: str) -> None:
    assert KafkaSecurity(security).protocol == protocol


def test_a_client_knows_all_brokers_and_more_settings_by_their_names() -> None:
    told = settings(ACCESS)
    assert (told["bootstrap.servers"], told["linger.ms"]) == ("a:9092,b:9092", 0)


def test_a_client_without_a_login_is_told_of_none() -> None:
    assert not [name for name in settings(ACCESS) if name.startswith(("sasl", "ssl"))]


def test_the_password_is_not_shown() -> None:
    assert "secret" not in repr(KafkaAccess(servers=(), prefix="dj", node="n", password="secret"))


def test_topics_and_groups_are_of_one_queue() -> None:
    assert (ACCESS.topic("mail"), ACCESS.group("mail")) == ("dj.dispatch.mail", "dj.workers.mail")
