"""A Kafka broker of a test's own keeps what it acknowledged, forgets when wiped, and asks for a login and TLS."""

from collections.abc import Mapping

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from support.certificates import make_certificates
from support.kafka_server import KafkaBroker, KafkaUser

SECONDS = 20.0
TOPIC = "words"


def settings(broker: KafkaBroker, **more: str) -> dict[str, str]:
    return {"bootstrap.servers": ",".join(broker.servers)} | {
        name.replace("_", "."): text for name, text in more.items()
    }


def make_topic(client: Mapping[str, str]) -> None:
    admin = AdminClient(dict(client))  # by name: what it has under way ends with it
    admin.create_topics([NewTopic(TOPIC, 1)])[TOPIC].result(SECONDS)


def list_topics(client: Mapping[str, str]) -> set[str]:
    return set(AdminClient(dict(client)).list_topics(timeout=SECONDS).topics)


def say(word: bytes, *, client: Mapping[str, str]) -> None:
    producer = Producer(dict(client))
    refused: list[KafkaError] = []
    producer.produce(TOPIC, word, on_delivery=lambda error, _: refused.append(error) if error else None)
    assert producer.flush(SECONDS) == 0
    assert refused == []


def hear(client: Mapping[str, str]) -> bytes:
    consumer = Consumer(
        {**client, "group.id": "listeners", "group.protocol": "consumer", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([TOPIC])
    try:
        message = consumer.poll(SECONDS)
        assert message is not None
        assert message.error() is None
        return message.value()
    finally:
        consumer.close()


def test_the_shared_broker_answers(kafka_servers):
    brokers = AdminClient({"bootstrap.servers": ",".join(kafka_servers)}).list_topics(timeout=SECONDS).brokers

    assert len(brokers) == 1


def test_a_killed_broker_has_what_it_acknowledged_and_a_wiped_one_has_nothing(kafka_broker):
    client = settings(kafka_broker)
    make_topic(client)
    say(b"hello", client=client)

    kafka_broker.restart()
    heard = hear(client)
    kafka_broker.wipe()

    assert heard == b"hello"
    assert TOPIC not in list_topics(client)


def test_a_login_by_scram_over_tls_is_let_in_and_a_wrong_password_is_not(tmp_path):
    certificates = make_certificates(tmp_path / "certificates")
    user = KafkaUser(name="dj", password="one-of-many")
    with KafkaBroker(tmp_path / "kafka", user=user, tls=certificates) as broker:
        client = settings(
            broker,
            security_protocol="SASL_SSL",
            sasl_mechanism="SCRAM-SHA-512",
            ssl_ca_location=str(certificates.ca),
            sasl_username="dj",
            sasl_password="one-of-many",
        )
        make_topic(client)
        say(b"hello", client=client)

        assert hear(client) == b"hello"
        _assert_refused({**client, "sasl.password": "guess"})


def test_a_login_by_plain_is_let_in_and_a_wrong_password_is_not(tmp_path):
    user = KafkaUser(name="dj", password="one-of-many", mechanism="PLAIN")
    with KafkaBroker(tmp_path / "kafka", user=user) as broker:
        login = {"sasl_username": "dj", "sasl_password": "one-of-many"}
        client = settings(broker, security_protocol="SASL_PLAINTEXT", sasl_mechanism="PLAIN", **login)
        make_topic(client)

        assert TOPIC in list_topics(client)
        _assert_refused({**client, "sasl.password": "guess"})


def _assert_refused(client: Mapping[str, str]) -> None:
    refusals: list[int] = []
    admin = AdminClient({**client, "error_cb": lambda error: refusals.append(error.code())})
    with pytest.raises(KafkaException):
        admin.list_topics(timeout=2)
    admin.poll(0)
    assert KafkaError._AUTHENTICATION in refusals
