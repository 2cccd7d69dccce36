"""Kafka for tests: the shared broker (`kafka_servers`), and brokers of a test's own (`kafka_broker`, `KafkaBroker`)."""

import secrets
import subprocess
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.certificates import Certificates
from support.daemon import HOST, START_SECONDS, Daemon, DidNotStart, accepts
from support.program import pick_free_port
from support.services import ROOT, home_of, start_shared

_FILES = ROOT / "scripts" / "servers" / "kafka"
# A killed broker may come back only when its last session is over: nine seconds by itself.
_QUICK_RETURN = {"broker.session.timeout.ms": "2000", "broker.heartbeat.interval.ms": "300"}
_LOGIN_MODULES = "org.apache.kafka.common.security"


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaUser:
    """Clients must log in by `mechanism`: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."""

    name: str
    password: str
    mechanism: str = "SCRAM-SHA-512"


class KafkaBroker(Daemon):
    """One broker with its controller. `servers` is what clients are given, as a tuple of host:port.

    With `user` clients must log in, with `tls` they must use TLS; the two go together. `settings` are further lines
    of server.properties.
    """

    def __init__(
        self,
        folder: Path,
        *,
        user: KafkaUser | None = None,
        tls: Certificates | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder, name="kafka")
        self.port = pick_free_port()
        self._controller_port = pick_free_port()
        self._internal_port = pick_free_port()
        self._user = user
        self._tls = tls
        self._settings = dict(settings or {})

    @property
    def servers(self) -> tuple[str, ...]:
        return (f"{HOST}:{self.port}",)

    def _prepare(self) -> None:
        if self.data.exists():
            return
        self.data.mkdir(parents=True)
        self._properties.write_text(self._server_properties())
        command = [*_java(), "kafka.tools.StorageTool", "format", "--standalone", "--config", str(self._properties)]
        command += ["--cluster-id", _new_cluster_id(), *self._scram()]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=START_SECONDS, check=False)
        if ran.returncode != 0:
            raise DidNotStart(f"kafka: could not format its storage:\n{ran.stdout}{ran.stderr}")

    def _command(self) -> Sequence[str]:
        return [*_java(), "kafka.Kafka", str(self._properties)]

    def _is_ready(self) -> bool:
        return "Kafka Server started" in self.log_text() and accepts(self.port)

    @property
    def _properties(self) -> Path:
        return self.data / "server.properties"

    def _server_properties(self) -> str:
        text = (_FILES / "server.properties").read_text()
        places = {"@DATA@": str(self.data), "@PORT@": str(self.port), "@CONTROLLER_PORT@": str(self._controller_port)}
        for place, value in places.items():
            text = text.replace(place, value)
        settings = _QUICK_RETURN | self._security() | self._settings
        return text + "".join(f"{name}={value}\n" for name, value in settings.items())

    def _security(self) -> dict[str, str]:
        """A broker that talks to itself does so on a listener of its own, so that clients alone are asked."""
        protocol = ("SASL_" if self._user else "") + ("SSL" if self._tls else "PLAINTEXT")
        if protocol == "PLAINTEXT":
            return {}
        listeners = f"CLIENT://{HOST}:{self.port},INTERNAL://{HOST}:{self._internal_port}"
        settings = {
            "listeners": f"{listeners},CONTROLLER://{HOST}:{self._controller_port}",
            "advertised.listeners": listeners,
            "inter.broker.listener.name": "INTERNAL",
            "listener.security.protocol.map": f"CLIENT:{protocol},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
        }
        return settings | self._encryption() | self._login()

    def _encryption(self) -> dict[str, str]:
        if self._tls is None:
            return {}
        return {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(self._tls.server_pair)}

    def _login(self) -> dict[str, str]:
        user = self._user
        if user is None:
            return {}
        module = f"{_LOGIN_MODULES}.scram.ScramLoginModule required;"
        if user.mechanism == "PLAIN":
            module = f'{_LOGIN_MODULES}.plain.PlainLoginModule required user_{user.name}="{user.password}";'
        name = f"listener.name.client.{user.mechanism.lower()}.sasl.jaas.config"
        return {"sasl.enabled.mechanisms": user.mechanism, name: module}

    def _scram(self) -> tuple[str, ...]:
        user = self._user
        if user is None or user.mechanism == "PLAIN":
            return ()
        return ("--add-scram", f"{user.mechanism}=[name={user.name},password={user.password}]")


def _java() -> list[str]:
    home = home_of("kafka")
    return [
        *("java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"),
        *("-Xlog:disable", "-Xlog:all=error:stderr", f"-XX:SharedArchiveFile={home / 'archive'}"),
        *(f"-Dlog4j2.configurationFile={_FILES / 'log4j2.properties'}", "-cp", f"{home / 'libs'}/*"),
    ]


def _new_cluster_id() -> str:
    while True:
        identity = urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        if not identity.startswith("-"):  # it would be read as an option
            return identity


@pytest.fixture(scope="session")
def kafka_servers() -> tuple[str, ...]:
    """The broker that all tests share, as host:port: use topics and groups under a prefix of your own."""
    return (start_shared("kafka"),)


@pytest.fixture
def kafka_broker(tmp_path: Path) -> Iterator[KafkaBroker]:
    """A broker of the test's own, running, which it may kill. Two seconds to start."""
    with KafkaBroker(tmp_path / "kafka") as broker:
        yield broker
