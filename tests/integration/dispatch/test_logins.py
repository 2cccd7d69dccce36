"""TLS and passwords: used as they are set; what does not fit is one clear line, and the node goes on."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from distributedjob.dispatch.kafka.kafka import Kafka
from distributedjob.model.errors import Invalid
from distributedjob.telemetry.events import Events
from distributedjob.telemetry.metrics import Metrics
from support.certificates import make_certificates
from support.kafka_post import KafkaPost, access_to, until_within
from support.kafka_server import KafkaBroker, KafkaUser
from support.waiting import until

PASSWORD = "violet-otter"


async def lines_of_trouble(servers: tuple[str, ...], **settings: object) -> list[dict[str, object]]:
    """What a node says whose settings do not fit, in some seconds of trying."""
    with capture_logs() as lines:
        async with KafkaPost(access_to(servers, **settings)) as post:
            await until_within(10, lambda: lines)
            tries = post.kafka._watch._failures
            await until_within(20, lambda: post.kafka._watch._failures > tries)
    return lines


async def test_a_node_logs_in_over_tls_and_what_does_not_fit_is_one_line(tmp_path: Path) -> None:
    pair, strangers = make_certificates(tmp_path / "ours"), make_certificates(tmp_path / "theirs")
    user = KafkaUser(name="dj", password=PASSWORD)
    login = {"security": "SASL_SSL", "mechanism": user.mechanism, "user": "dj", "password": PASSWORD, "ca": pair.ca}
    with KafkaBroker(tmp_path / "kafka", user=user, tls=pair) as broker:
        async with KafkaPost(access_to(broker.servers, **login)) as post:
            worker = post.read()
            await post.ready()
            post.publish(1)
            await until(lambda: worker.ids == [1])
        (wrong,) = await lines_of_trouble(broker.servers, **login | {"password": "wrong"})
        (untrusted,) = await lines_of_trouble(broker.servers, **login | {"ca": strangers.ca})
        (plain,) = await lines_of_trouble(broker.servers)
    assert "uthentication" in str(wrong["error"])
    assert PASSWORD not in str(wrong)
    assert "certificate verify failed" in str(untrusted["error"])
    assert "kafka_security" in str(plain["error"])


async def test_a_client_that_wants_tls_says_so_of_a_broker_without(kafka_servers: tuple[str, ...]) -> None:
    (line,) = await lines_of_trouble(kafka_servers, security="SSL")
    assert "SSL" in str(line["error"])


def test_a_ca_that_is_no_certificate_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    access = access_to(("127.0.0.1:9",), security="SSL", ca=tmp_path / "ca.pem")
    with pytest.raises(Invalid, match=r"ca\.pem|ssl\.ca\.location"):
        Kafka(access, queues=(), cluster_key=b"k" * 32, now=lambda: 0, events=Events(), metrics=Metrics())
