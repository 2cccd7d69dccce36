"""How this cluster's topics and groups are called, and what every Kafka client is told about reaching the brokers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError


class Silence:
    """What librdkafka logs to: by itself it writes to stderr, a line for every try. Errors come by callback."""

    def log(self, *_: object) -> None:
        pass


QUIET = 0
"""The least of its log levels."""


@dataclass(frozen=True, slots=True)
class KafkaAccess:
    """`security` is one of Kafka's protocol names: PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL. `partitions` and
    `replication` (None: the broker's choice) are for the topics that this program makes."""

    servers: tuple[str, ...]
    prefix: str
    node: str
    partitions: int = 12
    replication: int | None = None
    security: str = "PLAINTEXT"
    mechanism: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    ca: Path | None = None

    def topic(self, queue: str) -> str:
        return f"{self.prefix}.dispatch.{queue}"

    def group(self, queue: str) -> str:
        """The group whose members share the hints of one queue."""
        return f"{self.prefix}.workers.{queue}"

    def client(self, *, on_error: Callable[[KafkaError], None], **more: Any) -> dict[str, Any]:
        """Settings of one client; `more` names settings with `_` for their dots."""
        settings: dict[str, Any] = {
            "bootstrap.servers": ",".join(self.servers),
            "client.id": f"distributedjob-{self.node}",
            "security.protocol": self.security,
            "error_cb": on_error,
            "logger": Silence(),
            "log_level": QUIET,
            "reconnect.backoff.ms": 100,
            "reconnect.backoff.max.ms": 1_000,
            "socket.connection.setup.timeout.ms": 5_000,
            "socket.timeout.ms": 10_000,
            "socket.keepalive.enable": True,
            "topic.metadata.refresh.interval.ms": 10_000,
        }
        if self.security.startswith("SASL"):
            settings |= {
                "sasl.mechanism": self.mechanism,
                "sasl.username": self.user,
                "sasl.password": self.password,
            }
        if self.ca is not None:
            settings["ssl.ca.location"] = str(self.ca)
        return settings | {name.replace("_", "."): value for name, value in more.items()}
