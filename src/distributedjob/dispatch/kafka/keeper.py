"""The queues' topics as this node knows them: those of its own queues are made, widened and judged.

Each refusal and each unfit setting is said once. What is unfit is treated as absent, so that workers pull instead, and
is judged again now and then: a topic that was mended is used without a restart.
"""

import time
from collections.abc import Collection

from distributedjob.dispatch.kafka.access import KafkaAccess
from distributedjob.dispatch.kafka.topics import Refused, Topic, Topics
from distributedjob.telemetry.events import Events

JUDGE_AGAIN_SECONDS = 30.0


class TopicKeeper:
    """`settle` is for one thread; `find` and `refuse` are for any."""

    def __init__(self, access: KafkaAccess, *, own: Collection[str], events: Events) -> None:
        self._access = access
        self._own = own
        self._events = events
        self._topics: dict[str, Topic] = {}
        self._judged: dict[str, str] = {}
        """The `id` under which a queue's topic was found fit."""
        self._judge_at: dict[str, float] = {}
        self._said: set[str] = set()

    def find(self, queue: str) -> Topic | None:
        """The topic of a queue, if it is there and fit."""
        return self._topics.get(queue)

    def settle(self, topics: Topics, queue: str, seen: Topic | Refused | None) -> bool:
        """Take note of what was seen, and do what there is to do. Whether there is nothing to be hurried. Raises
        Unreachable."""
        name = self._access.topic(queue)
        if isinstance(seen, Topic) and (queue not in self._own or self._is_fit(topics, queue, name, seen)):
            self._topics[queue] = seen
            return True
        self._topics.pop(queue, None)
        if isinstance(seen, Refused):
            self.refuse(name, "reading", seen.words)
        return seen is not None or queue not in self._own or not self._make(topics, name)

    def refuse(self, name: str, act: str, words: str) -> None:
        """Say, once, that the broker lets us not do something with a topic or a group."""
        if self._is_new(f"{act} {name}"):
            remedy = "give this node's user the right; see the page on clusters"
            self._events.kafka_refused(name=name, act=act, error=words, remedy=remedy)

    def _make(self, topics: Topics, name: str) -> bool:
        """Whether the topic is on its way."""
        made = topics.make(name)
        if isinstance(made, Refused):
            self.refuse(name, "making", made.words)
            return False
        if made:
            self._events.kafka_topic_made(topic=name, partitions=self._access.partitions)
        return True

    def _is_fit(self, topics: Topics, queue: str, name: str, topic: Topic) -> bool:
        if self._judged.get(queue) == topic.id:
            return True
        if time.monotonic() < self._judge_at.get(queue, 0.0):
            return False
        self._judge_at[queue] = time.monotonic() + JUDGE_AGAIN_SECONDS
        unfit = topics.judge(name)
        for fault in unfit:
            if self._is_new(f"{fault.setting}={fault.value} of {name}"):
                self._events.kafka_topic_unfit(
                    topic=name, setting=fault.setting, value=fault.value, remedy=fault.remedy
                )
        if unfit:
            return False
        self._judged[queue] = topic.id
        self._judge_at.pop(queue)
        if topic.partitions < self._access.partitions and isinstance(refused := topics.widen(name), Refused):
            self.refuse(name, "widening", refused.words)
        return True

    def _is_new(self, words: str) -> bool:
        if words in self._said:
            return False
        self._said.add(words)
        return True
