"""Whether Kafka answers, and which topics are there: one question a second, on a thread of its own.

The answer is the one truth for all clients of this process: whoever publishes asks it for a topic's partitions, whoever
reads for its `id`, which changes when the topic was lost and made again. Topics of our own queues are made when they
are absent, at the start as after a wipe.
"""

import threading
import time
from collections.abc import Iterable

from confluent_kafka import KafkaError

from distributedjob.dispatch.kafka.access import KafkaAccess
from distributedjob.dispatch.kafka.keeper import TopicKeeper
from distributedjob.dispatch.kafka.topics import DENIED, Topic, Topics, Unreachable
from distributedjob.telemetry.events import Events
from distributedjob.telemetry.metrics import Metrics

REST_SECONDS = 1.0
UNSETTLED_SECONDS = 0.2
"""Between looks while a topic of ours is on its way."""

FAILURES_UNSAID = 1
"""One look may fail by chance; the second is told."""

MOST_QUEUES = 1_000
"""Queues are named by tasks; nobody makes us ask for more topics than this."""

HEARD_SECONDS = 5.0
ALL_DOWN = KafkaError._ALL_BROKERS_DOWN  # noqa: SLF001 - the library's name for it
VAGUE = frozenset({ALL_DOWN, KafkaError._TIMED_OUT})  # noqa: SLF001
TELLING = frozenset(
    {
        KafkaError._AUTHENTICATION,  # noqa: SLF001
        KafkaError._SSL,  # noqa: SLF001
        KafkaError.SASL_AUTHENTICATION_FAILED,
    }
)
"""Worth a line of its own, though it was said already that there is no answer."""

ADVICE = "if they expect TLS or a password, set kafka_security"


class KafkaWatch:
    """`queues` are those whose topics this node makes. Properties are safe to read in any thread."""

    def __init__(self, access: KafkaAccess, *, queues: Iterable[str], events: Events, metrics: Metrics) -> None:
        self._access = access
        self._own = frozenset(queues)
        self._wanted = set(self._own)
        self._events = events
        self._metrics = metrics
        self._keeper = TopicKeeper(access, own=self._own, events=events)
        self._failures = 0
        self._heard: tuple[float, KafkaError] | None = None
        self._closing = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._live, name="kafka-watch", daemon=True)
        self.connected = False
        """Whether the last question was answered."""

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Ask the thread to end; it does so within a second or two."""
        self._closing = True
        self._wake.set()

    def find(self, queue: str) -> Topic | None:
        """The topic of a queue, if it was there and fit at the last answer; an unknown queue is looked for from now
        on."""
        if queue not in self._wanted and len(self._wanted) < MOST_QUEUES:
            self._wanted.add(queue)
            self._wake.set()
        return self._keeper.find(queue)

    def hear(self, error: KafkaError) -> None:
        """What a client of this process complains of: it often says more than a question without an answer."""
        if error.code() not in VAGUE:
            self._heard = (time.monotonic(), error)
        if error.code() == ALL_DOWN and self.connected:
            self._wake.set()

    def deny(self, name: str, act: str, error: KafkaError) -> None:
        """A client of this process was refused something that the watch does not do itself."""
        if error.code() in DENIED:
            self._keeper.refuse(name, act, error.str())

    def _live(self) -> None:
        topics = Topics(self._access, on_error=self.hear)
        while not self._closing:
            self._wake.clear()
            settled = self._look(topics)
            self._wake.wait(REST_SECONDS if settled else UNSETTLED_SECONDS)

    def _look(self, topics: Topics) -> bool:
        """One question. Whether everything is as it should be, or at least nothing to be hurried."""
        queues = {self._access.topic(queue): queue for queue in tuple(self._wanted)}
        try:
            found = topics.look(list(queues))
            self._note_answer()
            settled = [self._keeper.settle(topics, queues[name], seen) for name, seen in found.items()]
        except Unreachable as error:
            self._note_silence(str(error))
        except Exception as error:  # noqa: BLE001 - a watch that ends would leave everybody with its last word
            self._note_silence(repr(error))
        else:
            return all(settled)
        return True

    def _note_answer(self) -> None:
        self.connected, self._failures = True, 0
        self._metrics.kafka_connected.set(1)
        self._events.kafka_back()

    def _note_silence(self, words: str) -> None:
        self.connected = False
        self._metrics.kafka_connected.set(0)
        self._failures += 1
        if self._failures > FAILURES_UNSAID:
            kind, words = self._explain(words)
            self._events.kafka_away(servers=",".join(self._access.servers), error=words, kind=kind)

    def _explain(self, words: str) -> tuple[str, str]:
        """The kind of trouble, if it is one that tells, and the words for it."""
        heard = self._heard
        if heard is None or time.monotonic() - heard[0] > HEARD_SECONDS:
            return "", f"{words}; {ADVICE}"
        error = heard[1]
        return error.name() if error.code() in TELLING else "", error.str()
