"""Topics are made by whoever comes first, widened when there are fewer partitions, and judged."""

from collections.abc import Iterator

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)
from structlog.testing import capture_logs

from distributedjob.dispatch.kafka import keeper
from distributedjob.dispatch.kafka.access import KafkaAccess
from support.kafka_post import DEADLINE, KafkaPost, access_to, until_within
from support.kafka_server import KafkaBroker, KafkaUser

USER = KafkaUser(name="dj", password="violet-otter", mechanism="PLAIN")
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
        await until_within(DEADLINE, lambda: len(worker.got) == 60)


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
            await until_within(DEADLINE, lambda: lines)
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert (line["topic"], line["setting"], line["value"]) == (access.topic("default"), setting, value)
    assert "set it to" in line["remedy"]


async def test_a_topic_that_loses_hints_is_not_used_until_it_is_mended(
    access: KafkaAccess, admin: AdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "JUDGE_AGAIN_SECONDS", 0.5)
    make_topic(admin, access, cleanup_policy="compact")
    async with KafkaPost(access) as post:
        worker = post.read()
        await until_within(DEADLINE, lambda: post.kafka._watch._keeper._judge_at)
        post.publish(1)
        entry = ConfigEntry("cleanup.policy", "delete", incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.TOPIC, access.topic("default"), incremental_configs=[entry])
        admin.incremental_alter_configs([resource])[resource].result(10)
        await until_within(20, lambda: worker.assigned)
    assert post.dropped("no_topic") == 1


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A broker where a user may do what it was given the right to."""
    with KafkaBroker(tmp_path_factory.mktemp("guarded") / "kafka", user=USER, settings=RIGHTS) as broker:
        yield broker


def guest(broker: KafkaBroker) -> KafkaPost:
    login = {"security": "SASL_PLAINTEXT", "mechanism": USER.mechanism, "user": USER.name, "password": USER.password}
    return KafkaPost(access_to(broker.servers, **login))


async def test_without_the_right_to_make_topics_one_line_says_what_to_do(guarded: KafkaBroker) -> None:
    with capture_logs() as lines:
        async with guest(guarded) as post:
            await until_within(DEADLINE, lambda: lines)
            looks = post.kafka._watch
            await until_within(20, lambda: looks.connected)
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert line["name"] == post.access.topic("default")
    assert "the right" in line["remedy"]


async def test_without_the_rights_to_write_and_to_read_by_a_group_a_line_names_each(guarded: KafkaBroker) -> None:
    post = guest(guarded)
    topic = post.access.topic("default")
    house = AdminClient({"bootstrap.servers": f"127.0.0.1:{guarded._internal_port}"})
    for act in (AclOperation.CREATE, AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS, AclOperation.READ):
        rule = AclBinding(
            ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, "User:dj", "*", act, AclPermissionType.ALLOW
        )
        house.create_acls([rule])[rule].result(10)
    with capture_logs() as lines:
        async with post:
            post.read()
            await until_within(20, lambda: post.kafka._watch.find("default"))
            post.publish(1)
            await until_within(20, lambda: len([line for line in lines if line["log_level"] == "error"]) == 2)
    named = {line["name"] for line in lines if line["log_level"] == "error"}
    assert named == {topic, post.access.group("default")}
