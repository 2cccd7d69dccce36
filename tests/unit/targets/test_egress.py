"""The egress guard as a table: which address is what, and which policy opens it."""

import ipaddress

import pytest

from distributedjob.targets.egress import EMBEDDED, GUARDED, EgressPolicy, Endpoint, Range, denial, range_of


def judged(policy, address, *, host="target.example", port=443):
    return denial(policy, host=host, address=address, port=port)


def networks(*texts):
    return tuple(ipaddress.ip_network(text) for text in texts)


PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "172.15.255.255", "100.128.0.1", "192.169.0.1", "223.255.255.255"]
PUBLIC_6 = ["2606:4700:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888", "2003::1"]
WRAPPED_PUBLIC = ["::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "::8.8.8.8"]
LOOPBACK = [
    "127.0.0.1",
    "127.255.255.255",
    "::1",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
]
PRIVATE = [
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "fc00::1",
    "fd12::1",
    "::ffff:10.0.0.1",
]
LINK_LOCAL = ["169.254.0.1", "fe80::1", "fec0::1", "::ffff:169.254.1.1", "64:ff9b::a9fe:101", "fe80::1%eth0"]
METADATA = [
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
    "fd00:ec2::254",
    "fd20:ce::254",
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "::ffff:0:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::",
]
TEREDO = ["2001:0:a9fe:a9fe::", "2001:0:7f00:1::f7f7:f7f7", "2001:0:808:808::5601:5601", "2001:0:808:808::f7f7:f7f7"]
RESERVED = [
    "0.0.0.0",
    "0.1.2.3",
    "192.0.0.1",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.175.48.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "240.0.0.1",
    "255.255.255.255",
    "224.0.0.1",
    "239.255.255.255",
    "::",
    "::ffff:0.0.0.0",
    "64:ff9b:1::1",
    "100::1",
    "2001:2::1",
    "2001:db8::1",
    "2620:4f:8000::1",
    "3fff::1",
    "5f00::1",
    "4000::1",
    "e000::1",
    "ff02::1",
    "ff0e::1",
]
CLOSED_ALWAYS = LINK_LOCAL + METADATA + RESERVED + TEREDO


@pytest.mark.parametrize("address", PUBLIC + PUBLIC_6 + WRAPPED_PUBLIC)
def test_a_public_address_is_open_to_everyone(address):
    assert judged(GUARDED, address) is None


@pytest.mark.parametrize("address", LOOPBACK + PRIVATE + CLOSED_ALWAYS)
def test_an_address_that_is_not_public_is_denied_by_default(address):
    assert judged(GUARDED, address) is not None


@pytest.mark.parametrize("address", LOOPBACK + PRIVATE)
def test_the_embedded_default_opens_loopback_and_private_addresses(address):
    assert judged(EMBEDDED, address) is None


@pytest.mark.parametrize("address", CLOSED_ALWAYS)
def test_the_embedded_default_keeps_metadata_and_special_addresses_denied(address):
    assert judged(EMBEDDED, address) is not None


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203"])
def test_a_listed_network_opens_its_addresses_in_every_form(address):
    assert judged(EgressPolicy(networks=networks("10.1.0.0/16")), address) is None


def test_a_listed_network_opens_nothing_beside_it():
    assert judged(EgressPolicy(networks=networks("10.1.0.0/16")), "10.2.0.1") is not None


def test_a_wide_network_does_not_open_a_metadata_service():
    assert judged(EgressPolicy(networks=networks("0.0.0.0/0", "169.254.0.0/16")), "169.254.169.254") is not None


def test_a_metadata_service_opens_to_its_exact_address():
    assert judged(EgressPolicy(networks=networks("169.254.169.254/32")), "169.254.169.254") is None


@pytest.mark.parametrize("host", ["metadata.corp.example", "METADATA.corp.example", "metadata.corp.example."])
def test_a_listed_host_name_opens_what_it_leads_to(host):
    assert judged(EgressPolicy(hosts=("metadata.corp.example",)), "169.254.169.254", host=host) is None


@pytest.mark.parametrize("host", ["evilcorp.example", "corp.example", "corp.example.evil.test"])
def test_a_listed_suffix_opens_only_names_below_it(host):
    assert judged(EgressPolicy(hosts=("*.corp.example",)), "10.0.0.1", host=host) is not None


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1"])
def test_our_own_service_is_denied_whatever_is_listed(address):
    policy = EgressPolicy(
        loopback=True,
        networks=networks("127.0.0.0/8"),
        hosts=("target.example",),
        own=(Endpoint("127.0.0.1", 3306),),
    )

    assert judged(policy, address, port=3306) is not None


def test_our_own_service_is_denied_on_its_port_alone():
    assert judged(EgressPolicy(loopback=True, own=(Endpoint("127.0.0.1", 3306),)), "127.0.0.1", port=80) is None


def test_our_own_host_without_a_port_is_denied_on_every_port():
    assert judged(EgressPolicy(private=True, own=(Endpoint("10.0.0.5"),)), "10.0.0.5", port=80) is not None


def test_a_denial_names_host_address_and_kind():
    assert judged(GUARDED, "10.0.0.1") == (
        "target.example leads to 10.0.0.1, a private address, which the egress policy denies"
    )


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", Range.LOOPBACK),
        ("10.0.0.1", Range.PRIVATE),
        ("169.254.1.1", Range.LINK_LOCAL),
        ("169.254.169.254", Range.METADATA),
        ("224.0.0.1", Range.MULTICAST),
        ("240.0.0.1", Range.RESERVED),
        ("8.8.8.8", Range.PUBLIC),
    ],
)
def test_the_kind_of_an_address(address, kind):
    assert range_of(ipaddress.ip_address(address)) is kind


@pytest.mark.parametrize("version", [4, 6])
def test_nothing_that_python_calls_special_is_public_here(version):
    """An independent list: whatever `ipaddress` does not call global must not be public for us either."""
    bits = 32 if version == 4 else 128
    make = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    step = (1 << bits) // 65_521
    wrong = [
        str(address)
        for address in map(make, range(0, 1 << bits, step))
        if not address.is_global and denial(GUARDED, host="h", address=str(address), port=80) is None
    ]

    assert wrong == []
