"""Hints through a real broker: to one worker of their queue each, in equal shares, and no more than it wants."""

import asyncio

import msgspec
from structlog.testing import capture_logs

from distributedjob.dispatch.kafka.message import HORIZON, MAX_BYTES, Due, encode, mark_of
from distributedjob.model.execution import Hint
from distributedjob.model.instant import SECOND
from support.kafka_post import CLUSTER_KEY, DEADLINE, KafkaPost, post_raw, present, until_within

MARK = mark_of(CLUSTER_KEY)


async def test_a_hint_reaches_the_worker_of_its_queue_as_it_was(post: KafkaPost) -> None:
    worker = post.read()
    await post.ready()
    due = present() + SECOND
    post.kafka.publisher.carry([Hint(77, 5, due, "default")])
    await until_within(DEADLINE, lambda: worker.got)
    assert worker.got == [(77, 5, due)]


async def test_a_hint_does_not_reach_the_workers_of_another_queue(post: KafkaPost) -> None:
    here, there = post.read("default"), post.read("other")
    await post.ready(here)
    await post.ready(there)
    post.publish(*range(20), queue="other")
    await until_within(DEADLINE, lambda: len(there.got) == 20)
    assert (here.ids, there.ids) == ([], list(range(20)))


async def test_each_hint_goes_to_one_worker_and_all_get_equal_shares(post: KafkaPost) -> None:
    one, two = post.read(), post.read()
    await post.ready()
    post.publish(*range(400))
    await until_within(DEADLINE, lambda: len(one.got) + len(two.got) >= 400)
    assert sorted(one.ids + two.ids) == list(range(400))
    assert abs(len(one.got) - len(two.got)) <= 8


async def test_single_hints_in_a_row_go_round_the_workers(post: KafkaPost) -> None:
    one, two = post.read(), post.read()
    await post.ready()
    for id_ in range(40):
        post.publish(id_)
    await until_within(DEADLINE, lambda: len(one.got) + len(two.got) == 40)
    assert len(one.got) == len(two.got) == 20


async def test_a_full_worker_reads_no_more_until_it_has_room(post: KafkaPost) -> None:
    worker = post.read(room=10, bite=5)
    worker.room = 10_000
    await post.ready()
    worker.room = 10
    for id_ in range(100):
        post.publish(id_)
    await until_within(DEADLINE, lambda: worker.got and worker.reader._paused)
    held = len(worker.got)
    worker.room = 1_000
    worker.reader.feed()
    await until_within(DEADLINE, lambda: len(worker.got) == 100)
    assert 10 - 5 < held < 10 + 40


async def test_a_full_worker_keeps_its_partitions(post: KafkaPost) -> None:
    worker = post.read()
    await post.ready()
    worker.room = 0
    await until_within(DEADLINE, lambda: worker.reader._paused)
    paused_at = worker.reader.assigned_at
    await until_within(DEADLINE, lambda: worker.reader.assigned_at > paused_at)


async def test_a_worker_that_wants_none_leaves_its_share_to_the_others(post: KafkaPost) -> None:
    one, two = post.read(), post.read()
    await post.ready()
    one.wanted = False
    await until_within(20, lambda: not one.assigned)
    await post.flowing()
    post.publish(*range(40))
    await until_within(DEADLINE, lambda: len(two.got) == 40)
    assert one.got == []


async def test_a_worker_that_stops_leaves_at_once(post: KafkaPost) -> None:
    one, two = post.read(), post.read()
    await post.ready()
    async with asyncio.timeout(2):
        await post.stop(one)
    post.readings.remove(one)
    await post.flowing()
    post.publish(*range(40))
    await until_within(DEADLINE, lambda: len(two.got) == 40)


async def test_what_is_far_ahead_is_left_to_the_pull(post: KafkaPost) -> None:
    worker = post.read()
    await post.ready()
    post.publish(1, after=HORIZON + SECOND)
    post.publish(2, after=HORIZON - SECOND)
    await until_within(DEADLINE, lambda: worker.got)
    assert (worker.ids, post.dropped("far")) == ([2], 1)


async def test_a_queue_without_a_topic_costs_its_hints_only(post: KafkaPost) -> None:
    worker = post.read()
    await post.ready()
    post.kafka.publisher.carry([Hint(1, 0, present(), "nobody"), Hint(2, 0, present(), "default")])
    await until_within(DEADLINE, lambda: worker.got)
    assert (worker.ids, post.dropped("no_topic") >= 1) == ([2], True)


async def test_a_topic_that_a_worker_made_is_found_by_those_who_publish(post: KafkaPost) -> None:
    post.kafka._watch.find("late")  # a scheduler that has hints for a queue nobody serves yet
    async with KafkaPost(post.access, queues=("late",)) as elsewhere:
        worker = elsewhere.read("late")
        await until_within(20, lambda: worker.assigned)
        await until_within(DEADLINE, lambda: post.kafka._watch.find("late"))
        await elsewhere.flowing("late")
        post.publish(9, queue="late")
        await until_within(DEADLINE, lambda: worker.ids == [9])


async def test_messages_of_strangers_are_counted_by_reason_and_the_reader_goes_on(post: KafkaPost) -> None:
    worker = post.read()
    await post.ready()
    hint = [Due(1, 0, present())]
    strange = {
        "garbage": [b"\x00\xff garbage", b"", b"{}", msgspec.msgpack.encode([1, MARK, present(), [["1", 0, 0]]])],
        "oversized": [b"x" * (MAX_BYTES + 1)],
        "version": [msgspec.msgpack.encode([2, MARK, present(), [[1, 0, 0]]]), msgspec.msgpack.encode([2, "new"])],
        "foreign": [encode(hint, cluster=mark_of(b"o" * 32), sent_at=present())],
        "old": [encode(hint, cluster=MARK, sent_at=present() - 31 * SECOND)],
    }
    post_raw(post.access, *(payload for payloads in strange.values() for payload in payloads))
    await until_within(
        DEADLINE, lambda: all(post.dropped(reason) == len(payloads) for reason, payloads in strange.items())
    )
    post.publish(8)
    await until_within(DEADLINE, lambda: worker.got)
    assert worker.ids == [8]


async def test_hints_too_old_to_read_are_not_relied_on(post: KafkaPost) -> None:
    worker = post.read()
    await post.ready()
    flow = post.kafka.flow([worker.reader])
    await until_within(DEADLINE, flow)
    post_raw(post.access, encode([Due(1, 0, present())], cluster=MARK, sent_at=present() - 31 * SECOND))
    await until_within(DEADLINE, lambda: not flow())


async def test_a_flood_of_garbage_is_one_line(post: KafkaPost) -> None:
    post.read()
    await post.ready()
    with capture_logs() as lines:
        post_raw(post.access, *[b"garbage"] * 500)
        await until_within(DEADLINE, lambda: post.dropped("garbage") == 500)
    assert [line["reason"] for line in lines] == ["garbage"]


async def test_two_clusters_on_one_prefix_take_no_hint_of_each_other(post: KafkaPost) -> None:
    worker = post.read()
    await post.ready()
    async with KafkaPost(post.access, key=b"o" * 32) as other:
        await until_within(DEADLINE, lambda: other.kafka._watch.find("default"))
        with capture_logs() as lines:
            for number in range(8):
                other.publish(number)
            await until_within(DEADLINE, lambda: post.dropped("foreign") >= 4)
    assert worker.got == []
    assert "kafka_prefix" in lines[0]["remedy"]
