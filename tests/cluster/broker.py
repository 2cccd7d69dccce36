"""Kafka with an address for each node: clients go where the broker says it is, so every relay is told its own."""

from pathlib import Path

from support.daemon import HOST
from support.kafka_server import KafkaBroker


class RelayedBroker(KafkaBroker):
    """Clients that come in through a relay are told that relay's address."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._relays: list[tuple[int, int]] = []

    def add_relay(self, *, port: int, advertised: int) -> None:
        """Listen on `port` too, and say `advertised` to whoever comes that way. Before the first start."""
        self._relays.append((port, advertised))

    def _security(self) -> dict[str, str]:
        names = [f"NODE{number}" for number, _ in enumerate(self._relays)]
        own = f"CLIENT://{HOST}:{self.port}"
        listens = [f"{name}://{HOST}:{port}" for name, (port, _) in zip(names, self._relays, strict=True)]
        says = [f"{name}://{HOST}:{port}" for name, (_, port) in zip(names, self._relays, strict=True)]
        plain = [f"{name}:PLAINTEXT" for name in ("CLIENT", "CONTROLLER", *names)]
        return {
            "listeners": ",".join([own, *listens, f"CONTROLLER://{HOST}:{self._controller_port}"]),
            "advertised.listeners": ",".join([own, *says]),
            "listener.security.protocol.map": ",".join(plain),
        }
