"""A broker that dies, freezes, or comes back empty: noticed within seconds, and mended without help."""

from collections.abc import AsyncIterator, Iterator

import pytest
from confluent_kafka.admin import AdminClient
from structlog.testing import capture_logs

from distributedjob.dispatch.kafka.flow import HintFlow
from support.kafka_post import DEADLINE, KafkaPost, Reading, access_to, until_within
from support.kafka_server import KafkaBroker


@pytest.fixture(scope="module")
def kept_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """One for all tests here: each leaves it running, or finds it started again."""
    with KafkaBroker(tmp_path_factory.mktemp("outages") / "kafka") as broker:
        yield broker


@pytest.fixture
def kafka_broker(kept_broker: KafkaBroker) -> KafkaBroker:
    if not kept_broker.is_running:
        kept_broker.start()
    return kept_broker


@pytest.fixture
async def lone(kafka_broker: KafkaBroker) -> AsyncIterator[KafkaPost]:
    """A process with one worker, whose hints flow."""
    async with KafkaPost(access_to(kafka_broker.servers)) as post:
        post.read()
        await post.ready()
        yield post


def flow_of(post: KafkaPost) -> HintFlow:
    return post.kafka.flow([reading.reader for reading in post.readings])


async def flows_again(post: KafkaPost, flow: HintFlow) -> Reading:
    await until_within(25, flow)
    await post.flowing()
    return post.readings[0]


async def test_a_killed_broker_is_noticed_and_used_again_when_it_is_back(
    lone: KafkaPost, kafka_broker: KafkaBroker
) -> None:
    flow = flow_of(lone)
    await until_within(10, flow)
    with capture_logs() as lines:
        kafka_broker.kill()
        await until_within(3, lambda: not flow())
        await until_within(5, lambda: not flow() and len(lines) >= 2)
        kafka_broker.launch()
        worker = await flows_again(lone, flow)
    lone.publish(*range(20))
    await until_within(DEADLINE, lambda: worker.ids == list(range(20)))
    words = [line["event"] for line in lines if line["log_level"] == "warning"]
    assert len(words) == len(set(words)) == 2
    assert sum(line["event"] == "Kafka is back" for line in lines) == 1


async def test_a_wiped_broker_gets_its_topics_again_and_hints_flow(lone: KafkaPost, kafka_broker: KafkaBroker) -> None:
    topic = lone.kafka._watch.find("default")
    for id_ in range(400):  # the new topic is shorter than where the old one was read
        lone.publish(id_)
    kafka_broker.close()
    kafka_broker.launch()
    await until_within(20, lambda: (now := lone.kafka._watch.find("default")) and now != topic)
    (worker,) = lone.readings
    await until_within(20, lambda: worker.assigned)
    await lone.flowing()
    lone.publish(*range(20))
    await until_within(DEADLINE, lambda: worker.ids == list(range(20)))


async def test_a_topic_that_somebody_deletes_is_made_again(lone: KafkaPost) -> None:
    topic = lone.kafka._watch.find("default")
    admin = AdminClient({"bootstrap.servers": lone.access.servers[0]})
    name = lone.access.topic("default")
    admin.delete_topics([name])[name].result(10)
    await until_within(10, lambda: (now := lone.kafka._watch.find("default")) and now != topic)
    await until_within(20, lambda: lone.readings[0].assigned)
    await lone.flowing()
    (worker,) = lone.readings
    lone.publish(5)
    await until_within(DEADLINE, lambda: worker.ids == [5])


async def test_a_frozen_broker_is_noticed_within_three_seconds(lone: KafkaPost, kafka_broker: KafkaBroker) -> None:
    kafka_broker.freeze()
    try:
        await until_within(3, lambda: not lone.kafka.connected)
    finally:
        kafka_broker.thaw()
    await until_within(DEADLINE, lambda: lone.kafka.connected)
    await lone.flowing()
    (worker,) = lone.readings
    lone.publish(6)
    await until_within(DEADLINE, lambda: worker.ids == [6])


async def test_publishing_to_a_dead_broker_neither_fails_nor_waits(lone: KafkaPost, kafka_broker: KafkaBroker) -> None:
    kafka_broker.kill()
    for start in range(0, 50_000, 100):
        lone.publish(*range(start, start + 100))
    await until_within(10, lambda: lone.dropped("not_delivered") > 0)
    assert lone.kafka.publisher.failing


async def test_a_broker_that_is_not_there_at_the_start_is_found_when_it_comes(
    kafka_broker: KafkaBroker,
) -> None:
    kafka_broker.kill()
    with capture_logs() as lines:
        async with KafkaPost(access_to(kafka_broker.servers)) as post:
            worker = post.read()
            await until_within(DEADLINE, lambda: lines)
            kafka_broker.launch()
            await until_within(25, lambda: worker.assigned)
            await post.flowing()
    assert lines[0]["log_level"] == "warning"
    assert "refused" in lines[0]["error"]


async def test_a_broker_without_the_group_protocol_of_today_gets_the_one_before(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    settings = {"group.coordinator.rebalance.protocols": "classic"}
    with KafkaBroker(tmp_path_factory.mktemp("classic") / "kafka", settings=settings) as broker:
        async with KafkaPost(access_to(broker.servers)) as post:
            one, two = post.read(), post.read()
            await post.ready()
            post.publish(*range(40))
            await until_within(DEADLINE, lambda: len(one.got) + len(two.got) == 40)
