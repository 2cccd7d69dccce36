"""Settings of the servers a cluster may have beside its database: etcd, Kafka, Redis. Each may be left out."""

import re
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from distributedjob.model.endpoint import split_endpoint

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


class KafkaSecurity(StrEnum):
    PLAINTEXT = "plaintext"
    TLS = "tls"
    SASL_PLAINTEXT = "sasl_plaintext"
    SASL_TLS = "sasl_tls"

    @property
    def protocol(self) -> str:
        """Kafka's own name for it."""
        return self.name.replace("TLS", "SSL")


class KafkaMechanism(StrEnum):
    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class NeighbourSettings(BaseModel):
    """Where the neighbours are, and how to talk to them."""

    etcd_endpoints: tuple[str, ...] = Field(
        (), description="Members of an etcd cluster as host:port; nodes find each other through the database if unset."
    )
    etcd_prefix: str = Field("distributedjob", pattern=NAME, description="Where in etcd this cluster keeps its keys.")
    etcd_user: str | None = Field(None, description="User of etcd, if it asks for one.")
    etcd_password: SecretStr | None = Field(None, description="Password of that user.")
    etcd_ca: Path | None = Field(None, description="CA of etcd's certificates, a PEM file; setting it turns TLS on.")
    etcd_certificate: Path | None = Field(None, description="Client certificate for etcd, a PEM file.")
    etcd_key: Path | None = Field(None, description="Key of the client certificate.")
    kafka_servers: tuple[str, ...] = Field(
        (), description="Kafka brokers as host:port; workers pull their work from the database if unset."
    )
    kafka_prefix: str = Field("distributedjob", pattern=NAME, description="What topic and group names begin with.")
    kafka_security: KafkaSecurity = Field(
        KafkaSecurity.PLAINTEXT, description="plaintext, tls, sasl_plaintext or sasl_tls."
    )
    kafka_mechanism: KafkaMechanism = Field(
        KafkaMechanism.SCRAM_SHA_512, description="PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, with SASL."
    )
    kafka_user: str | None = Field(None, description="User of Kafka, with SASL.")
    kafka_password: SecretStr | None = Field(None, description="Password of that user.")
    kafka_ca: Path | None = Field(None, description="CA of the brokers' certificates, as PEM; the system's if unset.")
    kafka_partitions: int = Field(
        12,
        ge=1,
        le=1000,
        description="Partitions a queue's topic has at least: twice its workers; more are made when there are fewer.",
    )
    kafka_replication: int | None = Field(
        None,
        ge=1,
        le=9,
        description="Copies of a queue's topic, when this program makes it; the broker's choice if unset.",
    )
    redis_url: SecretStr | None = Field(
        None, description="redis://user:password@host:6379/0, or rediss:// with TLS; every node for itself if unset."
    )
    redis_prefix: str = Field("distributedjob", pattern=NAME, description="What keys and channels in Redis begin with.")
    redis_ca: Path | None = Field(None, description="CA of Redis' certificate, a PEM file; the system's if unset.")

    @field_validator("etcd_endpoints")
    @classmethod
    def _endpoints(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for endpoint in value:
            split_endpoint(endpoint)
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _check_redis(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _complete(self) -> "NeighbourSettings":
        _both(self.etcd_user, self.etcd_password, "etcd_user", "etcd_password")
        _both(self.etcd_certificate, self.etcd_key, "etcd_certificate", "etcd_key")
        if self.etcd_certificate is not None and self.etcd_ca is None:
            raise ValueError("etcd_certificate: needs etcd_ca, which turns TLS on")
        if self.redis_ca is not None and (url := self.redis_url) and not url.get_secret_value().startswith("rediss:"):
            raise ValueError("redis_ca: needs a redis_url that begins with rediss://, which turns TLS on")
        _both(self.kafka_user, self.kafka_password, "kafka_user", "kafka_password")
        if self.kafka_security.startswith("sasl") and self.kafka_user is None:
            raise ValueError(f"kafka_user: is needed with kafka_security={self.kafka_security}")
        return self


def _check_redis(url: str) -> None:
    """The URL is never repeated: it may hold a password."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for what is no port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or not re.fullmatch(r"/?[0-9]*", parts.path):
        raise ValueError("is no address like redis://user:password@host:6379/0, or rediss:// with TLS")
    if parts.query or parts.fragment:
        raise ValueError("takes no options after a ?; a character of the password that is none of a URL's is %-encoded")


def _both(one: object, other: object, name: str, partner: str) -> None:
    if (one is None) != (other is None):
        raise ValueError(f"{name} and {partner}: set both, or neither")
