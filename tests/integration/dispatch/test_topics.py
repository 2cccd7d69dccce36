"""Topics are made by whoever comes first, widened when there are fewer partitions, and judged."""

from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic
from structlog.testing import capture_logs

from distributedjob.dispatch.kafka.access import KafkaAccess
from support.kafka_post import KafkaPost, access_to, until_within
from support.kafka_server import KafkaBroker, KafkaUser
from support.waiting import until

RIGHTS = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
}


@pytest.fixture
def access(kafka_servers: tuple[str, ...]) -> KafkaAccess:
    return access_to(kafka_servers)


@pytest.fixture
def admin(kafka_servers: tuple[str, ...]) -> AdminClient:
    return AdminClient({"bootstrap.servers": kafka_servers[0]})


def make_topic(admin: AdminClient, access: KafkaAccess, *, partitions: int = 4, **settings: str) -> None:
    topic = access.topic("default")
    config = {name.replace("_", "."): value for name, value in settings.items()}
    admin.create_topics([NewTopic(topic, partitions, 1, config=config)])[topic].result(10)


def settings_of(admin: AdminClient, topic: str) -> dict[str, str]:
    (asked,) = admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic)]).values()
    return {name: entry.value for name, entry in asked.result(10).items()}


def partitions_of(admin: AdminClient, topic: str) -> int:
    return len(admin.list_topics(timeout=10).topics[topic].partitions)


async def found(post: KafkaPost, queue: str = "default", *, partitions: int = 4) -> None:
    def is_there() -> bool:
        topic = post.kafka._watch.find(queue)
        return topic is not None and topic.partitions == partitions

    await until_within(20, is_there)


async def test_an_absent_topic_is_made_for_hints(access: KafkaAccess, admin: AdminClient) -> None:
    async with KafkaPost(access) as post:
        await found(post)
    topic = access.topic("default")
    settings = settings_of(admin, topic)
    assert partitions_of(admin, topic) == 4
    assert (settings["cleanup.policy"], settings["retention.ms"]) == ("delete", "600000")


async def test_two_nodes_that_start_at_once_make_one_topic_and_say_no_error(access: KafkaAccess) -> None:
    with capture_logs() as lines:
        async with KafkaPost(access) as one, KafkaPost(access) as two:
            await found(one)
            await found(two)
    assert [line for line in lines if line["log_level"] != "info"] == []


async def test_a_topic_with_fewer_partitions_than_wanted_gets_more(access: KafkaAccess, admin: AdminClient) -> None:
    make_topic(admin, access, partitions=1)
    async with KafkaPost(access) as post:
        await found(post)
    assert partitions_of(admin, access.topic("default")) == 4


async def test_a_topic_with_more_partitions_than_wanted_is_used_as_it_is(
    access: KafkaAccess, admin: AdminClient
) -> None:
    make_topic(admin, access, partitions=6)
    async with KafkaPost(access) as post:
        worker = post.read()
        await until_within(20, lambda: worker.assigned)
        await post.flowing()
        post.publish(*range(60))
        await until(lambda: len(worker.got) == 60)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("cleanup.policy", "compact"), ("retention.ms", "30000"), ("max.message.bytes", "1000")],
)
async def test_a_setting_that_loses_hints_is_named_with_the_way_out(
    access: KafkaAccess, admin: AdminClient, setting: str, value: str
) -> None:
    make_topic(admin, access, **{setting.replace(".", "_"): value})
    with capture_logs() as lines:
        async with KafkaPost(access):
            await until(lambda: lines)
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert (line["topic"], line["setting"], line["value"]) == (access.topic("default"), setting, value)
    assert "set it to" in line["remedy"]


async def test_without_the_right_to_make_topics_one_line_says_what_to_do(tmp_path: Path) -> None:
    user = KafkaUser(name="dj", password="violet-otter", mechanism="PLAIN")
    with KafkaBroker(tmp_path / "kafka", user=user, settings=RIGHTS) as broker, capture_logs() as lines:
        settings = {"security": "SASL_PLAINTEXT", "mechanism": "PLAIN", "user": user.name, "password": user.password}
        async with KafkaPost(access_to(broker.servers, **settings)) as post:
            await until(lambda: post.kafka.connected)
            await until(lambda: lines)
            await until_within(20, lambda: post.kafka._watch._failures == 0)
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert line["topic"] == post.access.topic("default")
    assert "give this user the right" in line["remedy"]
