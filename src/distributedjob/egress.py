"""From settings to the egress policy: what tasks of this installation may call."""

import ipaddress

from distributedjob.config import Settings
from distributedjob.store.open import parse_url
from distributedjob.targets.egress import EgressPolicy, Endpoint
from distributedjob.telemetry.events import Events


def egress_of(settings: Settings, *, events: Events) -> EgressPolicy:
    """Loopback and private targets as set; the own database is never a target."""
    if settings.private_targets:
        events.relaxed(setting="allow_private_targets", meaning="tasks may call loopback and private addresses")
    networks, hosts = [], []
    for entry in settings.egress_allow:
        try:
            networks.append(ipaddress.ip_network(entry, strict=False))
        except ValueError:
            hosts.append(entry)
    return EgressPolicy(
        loopback=settings.private_targets,
        private=settings.private_targets,
        networks=tuple(networks),
        hosts=tuple(hosts),
        own=_own(settings),
    )


def _own(settings: Settings) -> tuple[Endpoint, ...]:
    url = parse_url(settings.url)
    if url.host is None:
        return ()
    try:
        ipaddress.ip_address(url.host)
    except ValueError:
        return ()
    return (Endpoint(url.host, url.port or 3306),)
