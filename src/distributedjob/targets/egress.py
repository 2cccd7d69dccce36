"""The egress guard: may a call go to this address? Pure judgement of a resolved address.

`ipaddress.is_global` is not enough: it says yes to forms that carry an inner IPv4 address (NAT64,
6to4) and knows nothing of metadata services. So the ranges are listed here, from IANA's registries
of special-purpose addresses, and an address that wraps others is judged by all of them.

Order of judgement: our own services are always denied; an allow-list entry then opens; metadata
services open only to their exact address or to a listed host name; the rest goes by the kind of range.
"""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Range(StrEnum):
    PUBLIC = "public"
    LOOPBACK = "loopback"
    PRIVATE = "private"
    LINK_LOCAL = "link-local"
    METADATA = "metadata service"
    MULTICAST = "multicast"
    RESERVED = "reserved"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address of our own that no task may call; without a port, on every port."""

    address: str
    port: int | None = None


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """`loopback` and `private` open those ranges as a whole. `networks` are CIDRs, `hosts` exact names
    or `*.suffix`; naming a host trusts its DNS. `own` beats every allowance."""

    loopback: bool = False
    private: bool = False
    networks: tuple[Network, ...] = ()
    hosts: tuple[str, ...] = ()
    own: tuple[Endpoint, ...] = ()


EMBEDDED = EgressPolicy(loopback=True, private=True)
"""The default on one machine: people try the program against their own endpoints."""

GUARDED = EgressPolicy()
"""Public addresses only."""


def denial(policy: EgressPolicy, *, host: str, address: str, port: int) -> str | None:
    """Why a call to `host` may not connect to `address`, as a sentence; None when it may."""
    outer = ipaddress.ip_address(address)
    faces = tuple(_faces(outer))
    if any(_is_own(policy, face, port) for face in faces):
        return f"{address} port {port} is a service of this installation, which tasks may not call"
    if _is_listed_host(policy, host):
        return None
    for face in faces:
        kind = range_of(face)
        if not _is_open(policy, face, kind):
            return f"{host} leads to {address}, a {kind} address, which the egress policy denies"
    return None


def range_of(address: Address) -> Range:
    """The kind of the address itself, wrapped ones not unwrapped."""
    if address in METADATA:
        return Range.METADATA
    for kind, networks in (RANGES_4 if address.version == 4 else RANGES_6).items():
        if any(address in network for network in networks):
            return kind
    if address.version == 6 and address not in GLOBAL_UNICAST_6:
        return Range.RESERVED
    return Range.PUBLIC


def _is_open(policy: EgressPolicy, address: Address, kind: Range) -> bool:
    if kind is Range.METADATA:
        return any(network.num_addresses == 1 and address in network for network in policy.networks)
    if any(address in network for network in policy.networks):
        return True
    match kind:
        case Range.PUBLIC:
            return True
        case Range.LOOPBACK:
            return policy.loopback
        case Range.PRIVATE:
            return policy.private
        case Range.LINK_LOCAL | Range.MULTICAST | Range.RESERVED:
            return False


def _is_own(policy: EgressPolicy, address: Address, port: int) -> bool:
    return any(own.port in (None, port) and address in _faces(ipaddress.ip_address(own.address)) for own in policy.own)


def _is_listed_host(policy: EgressPolicy, host: str) -> bool:
    name = host.rstrip(".").lower()
    return any(
        name.endswith(listed[1:].lower()) if listed.startswith("*.") else name == listed.lower()
        for listed in policy.hosts
    )


def _faces(address: Address) -> Iterator[Address]:
    """The addresses that a packet to this one may reach: the inner ones where it wraps some, else itself."""
    if address.version == 4:
        yield address
        return
    assert isinstance(address, ipaddress.IPv6Address)
    value = int(address)
    inner = [ipaddress.IPv4Address(value & 0xFFFFFFFF)] if any(address in net for net in WRAPPING_LOW_32) else []
    if address in SIX_TO_FOUR:
        inner = [ipaddress.IPv4Address(value >> 80 & 0xFFFFFFFF)]
    if inner and address not in (UNSPECIFIED_6, LOOPBACK_6):
        yield from inner
    else:
        yield ipaddress.IPv6Address(value)  # without a zone id


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


UNSPECIFIED_6 = ipaddress.IPv6Address("::")
LOOPBACK_6 = ipaddress.IPv6Address("::1")
GLOBAL_UNICAST_6 = ipaddress.IPv6Network("2000::/3")
SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
WRAPPING_LOW_32 = _networks("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")
"""v4-compatible, v4-mapped, v4-translated, NAT64. Reserved as a whole instead: Teredo (2001::/32), which wraps two,
and NAT64's local prefix (64:ff9b:1::/48), which may hold the inner address in several places."""

METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "fe80::a9fe:a9fe",
    )
)
"""Clouds' instance metadata and credential services (AWS, ECS, EKS, Alibaba, Oracle, Azure, Google, OpenStack)."""

RANGES_4: dict[Range, tuple[Network, ...]] = {
    Range.LOOPBACK: _networks("127.0.0.0/8"),
    Range.PRIVATE: _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"),
    Range.LINK_LOCAL: _networks("169.254.0.0/16"),
    Range.MULTICAST: _networks("224.0.0.0/4"),
    Range.RESERVED: _networks(
        "0.0.0.0/8",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "240.0.0.0/4",
    ),
}

RANGES_6: dict[Range, tuple[Network, ...]] = {
    Range.LOOPBACK: _networks("::1/128"),
    Range.PRIVATE: _networks("fc00::/7"),
    Range.LINK_LOCAL: _networks("fe80::/10", "fec0::/10"),
    Range.MULTICAST: _networks("ff00::/8"),
    Range.RESERVED: _networks(
        "::/128",
        "64:ff9b:1::/48",
        "100::/64",
        "100:0:0:1::/64",
        "2001::/23",
        "2001:db8::/32",
        "2620:4f:8000::/48",
        "3fff::/20",
        "5f00::/16",
    ),
}
