"""The topics of the queues: looked at, made when they are absent, widened, and judged by their settings.

An existing topic is used as it is; one whose settings lose hints is named, with the way out. Several nodes may do all
this at once: the broker lets one of them win, and the others find what they wanted.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # exported, though not by its __all__
    AdminClient,
    ConfigResource,
    NewPartitions,
    NewTopic,
)

from distributedjob.dispatch.kafka.access import KafkaAccess
from distributedjob.dispatch.kafka.message import MAX_BYTES

LOOK_SECONDS = 1.0
CHANGE_SECONDS = 5.0
RETENTION_MS = 600_000
LEAST_RETENTION_MS = 60_000
DENIED = frozenset({KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED})
ABSENT = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.LEADER_NOT_AVAILABLE})


class Unreachable(Exception):
    """The brokers gave no answer in time."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that is there. `id` changes when it is deleted and made again."""

    partitions: int
    id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The broker knows us, and will not do it."""

    words: str


@dataclass(frozen=True, slots=True)
class Unfit:
    """A setting of an existing topic that loses hints."""

    setting: str
    value: str
    remedy: str


class Topics:
    """Blocking; used by one thread."""

    def __init__(self, access: KafkaAccess, *, on_error: Callable[[KafkaError], None]) -> None:
        self._access = access
        self._admin = AdminClient(access.client(on_error=on_error))

    def look(self, names: Sequence[str]) -> dict[str, Topic | Refused | None]:
        """What is there; None stands for an absent topic. Raises Unreachable."""
        self._admin.poll(0)
        asked = self._admin.describe_topics(TopicCollection(list(names)), request_timeout=LOOK_SECONDS)
        return {name: _topic_of(future) for name, future in asked.items()}

    def make(self, name: str) -> bool | Refused:
        """Make a topic; False if somebody else was faster. Raises Unreachable."""
        settings = {"cleanup.policy": "delete", "retention.ms": str(RETENTION_MS)}
        topic = NewTopic(
            name,
            num_partitions=self._access.partitions,
            replication_factor=-1 if self._access.replication is None else self._access.replication,
            config=settings,
        )
        asked = self._admin.create_topics([topic], operation_timeout=CHANGE_SECONDS, request_timeout=CHANGE_SECONDS)
        return _done(asked[name], unless=KafkaError.TOPIC_ALREADY_EXISTS)

    def widen(self, name: str) -> bool | Refused:
        """Give a topic as many partitions as are wanted; False if it has them. Raises Unreachable."""
        asked = self._admin.create_partitions(
            [NewPartitions(name, self._access.partitions)], request_timeout=CHANGE_SECONDS
        )
        return _done(asked[name], unless=KafkaError.INVALID_PARTITIONS)

    def judge(self, name: str) -> list[Unfit]:
        """What is wrong with an existing topic; nothing, if its settings may not be read. Raises Unreachable."""
        resource = ConfigResource(ConfigResource.Type.TOPIC, name)
        (asked,) = self._admin.describe_configs([resource], request_timeout=CHANGE_SECONDS).values()
        entries = _answer(asked)
        return [] if isinstance(entries, Refused) else judge({key: entry.value for key, entry in entries.items()})


def judge(settings: Mapping[str, str | None]) -> list[Unfit]:
    """The settings of a topic that lose hints, each with the way out."""
    found = []
    policy = settings.get("cleanup.policy") or "delete"
    if "compact" in policy:
        found.append(Unfit("cleanup.policy", policy, "set it to delete: hints have no key to compact by"))
    retention = int(settings.get("retention.ms") or RETENTION_MS)
    if 0 <= retention < LEAST_RETENTION_MS:
        found.append(Unfit("retention.ms", str(retention), f"set it to {RETENTION_MS}: hints are gone unread"))
    largest = int(settings.get("max.message.bytes") or MAX_BYTES)
    if largest < MAX_BYTES:
        found.append(Unfit("max.message.bytes", str(largest), f"set it to {MAX_BYTES} or more"))
    return found


def _topic_of(future: "Future[Any]") -> Topic | Refused | None:
    answer = _answer(future)
    match answer:
        case None:
            return None
        case Refused():
            return answer
        case _:
            return Topic(len(answer.partitions), str(answer.topic_id)) if answer.partitions else None


def _done(future: "Future[Any]", *, unless: int) -> bool | Refused:
    """Whether a change was made; False on the error that means it was not needed. Raises Unreachable."""
    try:
        future.result(timeout=2 * CHANGE_SECONDS)
    except KafkaException as error:
        fault: KafkaError = error.args[0]
        return False if fault.code() == unless else _refused(fault)
    except TimeoutError as error:
        raise Unreachable("the brokers did not answer in time") from error
    return True


def _answer(future: "Future[Any]") -> Any:
    """What was asked for; None if it does not exist, Refused if we may not see it. Raises Unreachable."""
    try:
        return future.result(timeout=2 * CHANGE_SECONDS)
    except KafkaException as error:
        fault: KafkaError = error.args[0]
        return None if fault.code() in ABSENT else _refused(fault)
    except TimeoutError as error:
        raise Unreachable("the brokers did not answer in time") from error


def _refused(fault: KafkaError) -> Refused:
    """Faults with negative codes are the client's own: it found nobody to ask."""
    if fault.code() < 0 or fault.code() == KafkaError.REQUEST_TIMED_OUT:
        raise Unreachable(fault.str())
    return Refused(fault.str())
