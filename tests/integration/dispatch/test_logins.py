"""TLS and passwords: used as they are set; what does not fit is one clear line, and the node goes on."""

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from distributedjob.dispatch.kafka.access import KafkaAccess
from distributedjob.dispatch.kafka.kafka import Kafka
from distributedjob.model.errors import Invalid
from distributedjob.telemetry.events import Events
from distributedjob.telemetry.metrics import Metrics
from support.certificates import make_certificates
from support.kafka_post import DEADLINE, KafkaPost, access_to, until_within
from support.kafka_server import KafkaBroker, KafkaUser

PASSWORD = "violet-otter"


async def keep_trying(access: KafkaAccess) -> None:
    """A node whose settings do not fit, until it has failed some times more than it takes for a line."""
    async with KafkaPost(access) as post:
        await until_within(20, lambda: post.kafka._watch._failures >= 3)


async def test_a_node_logs_in_over_tls_and_what_does_not_fit_is_one_line_each(
    tmp_path: Path, kafka_servers: tuple[str, ...]
) -> None:
    pair, strangers = make_certificates(tmp_path / "ours"), make_certificates(tmp_path / "theirs")
    user = KafkaUser(name="dj", password=PASSWORD)
    login = {"security": "SASL_SSL", "mechanism": user.mechanism, "user": "dj", "password": PASSWORD, "ca": pair.ca}
    with KafkaBroker(tmp_path / "kafka", user=user, tls=pair) as broker:
        async with KafkaPost(access_to(broker.servers, **login)) as post:
            worker = post.read()
            await post.ready()
            post.publish(1)
            await until_within(DEADLINE, lambda: worker.ids == [1])
        wrong = [
            access_to(broker.servers, **login | {"password": "wrong"}, node="wrong password"),
            access_to(broker.servers, **login | {"ca": strangers.ca}, node="wrong CA"),
            access_to(broker.servers, node="no TLS"),
            access_to(kafka_servers, security="SSL", node="TLS"),
        ]
        with capture_logs() as lines:
            await asyncio.gather(*map(keep_trying, wrong))
    said = {line["node"]: line["error"] for line in lines}
    assert len(lines) == len(said) == len(wrong)
    assert "uthentication" in said["wrong password"]
    assert "certificate verify failed" in said["wrong CA"]
    assert "kafka_security" in said["no TLS"]
    assert "SSL" in said["TLS"]
    assert PASSWORD not in str(lines)


def test_a_ca_that_is_no_certificate_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    access = access_to(("127.0.0.1:9",), security="SSL", ca=tmp_path / "ca.pem")
    with pytest.raises(Invalid, match="kafka_ca"):
        Kafka(access, queues=(), cluster_key=b"k" * 32, now=lambda: 0, events=Events(), metrics=Metrics())
