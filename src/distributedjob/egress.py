"""From settings to the egress policy: what tasks of this installation may call."""

import ipaddress
import socket
from urllib.parse import urlsplit

from distributedjob.config import Settings
from distributedjob.model.endpoint import is_endpoint, split_endpoint
from distributedjob.store.open import parse_url
from distributedjob.targets.egress import EgressPolicy, Endpoint, Network
from distributedjob.telemetry.events import Events

MYSQL_PORT = 3306
REDIS_PORT = 6379
LOOPBACK = ("127.0.0.1", "::1")


def egress_of(settings: Settings, *, events: Events) -> EgressPolicy:
    """Loopback and private targets as set; own servers and the own API are never targets."""
    if settings.private_targets:
        events.relaxed(setting="allow_private_targets", meaning="tasks may call loopback and private addresses")
    networks, hosts = _allowed(settings.egress_allow)
    return EgressPolicy(
        loopback=settings.private_targets,
        private=settings.private_targets,
        networks=networks,
        hosts=hosts,
        own=(*_own_database(settings), *_own_neighbours(settings), *_own_api(settings)),
    )


def _allowed(entries: tuple[str, ...]) -> tuple[tuple[Network, ...], tuple[str, ...]]:
    """An allow-list holds addresses, CIDR ranges and host names; what is no address is a name."""
    networks: list[Network] = []
    hosts: list[str] = []
    for entry in entries:
        try:
            networks.append(ipaddress.ip_network(entry, strict=False))
        except ValueError:
            hosts.append(entry)
    return tuple(networks), tuple(hosts)


def _own_database(settings: Settings) -> tuple[Endpoint, ...]:
    url = parse_url(settings.url)
    return () if url.host is None else _endpoints(url.host, url.port or MYSQL_PORT)


def _own_neighbours(settings: Settings) -> tuple[Endpoint, ...]:
    """etcd, Kafka and Redis, as they are set."""
    places = [
        split_endpoint(place) for place in (*settings.etcd_endpoints, *settings.kafka_servers) if is_endpoint(place)
    ]
    if settings.redis_url is not None:
        url = urlsplit(settings.redis_url.get_secret_value())
        places.append((url.hostname or "", url.port or REDIS_PORT))
    return tuple(endpoint for host, port in places for endpoint in _endpoints(host, port))


def _own_api(settings: Settings) -> tuple[Endpoint, ...]:
    """The ports of all processes; a wildcard address is reached through every address of this machine."""
    if not settings.port:
        return ()
    names = [settings.host]
    if settings.host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not bound
        names = [*LOOPBACK, socket.gethostname()]
    ports = range(settings.port, settings.port + settings.processes)
    return tuple(endpoint for name in names for port in ports for endpoint in _endpoints(name, port))


def _endpoints(host: str, port: int) -> tuple[Endpoint, ...]:
    """The addresses of a name now; none while it cannot be resolved."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return tuple({Endpoint(str(address[0]), port) for *_, address in found})
