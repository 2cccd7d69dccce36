"""What the settings name as the installation's own is never a target, whatever else they allow."""

import pytest

from distributedjob.config import Settings, load_settings
from distributedjob.egress import egress_of
from distributedjob.targets.egress import denial
from distributedjob.telemetry.events import Events

CLUSTER = {
    "database_url": "mysql://u:p@127.0.0.2:3307/x",
    "etcd_endpoints": ("127.0.0.3:2379", "[::1]:2381"),
    "kafka_servers": ("127.0.0.4:9092", "127.0.0.5:9093"),
    "redis_url": "redis://:secret@127.0.0.6:6380/0",
    "allow_private_targets": True,
    "egress_allow": ("127.0.0.0/8", "::1"),
}


def settings(**changes: object) -> Settings:
    return load_settings(**{**CLUSTER, **changes})


def refused(where: Settings, address: str, port: int) -> bool:
    policy = egress_of(where, events=Events())
    return denial(policy, host=address, address=address, port=port) is not None


@pytest.mark.parametrize(
    ("address", "port"),
    [
        ("127.0.0.2", 3307),
        ("127.0.0.3", 2379),
        ("::1", 2381),
        ("127.0.0.4", 9092),
        ("127.0.0.5", 9093),
        ("127.0.0.6", 6380),
        ("::ffff:127.0.0.6", 6380),
    ],
)
def test_own_servers_are_no_targets(address: str, port: int) -> None:
    assert refused(settings(), address, port)


def test_other_ports_of_the_same_machines_are() -> None:
    assert not refused(settings(), "127.0.0.2", 3306)


@pytest.mark.parametrize(("url", "port"), [("mysql://u:p@127.0.0.2/x", 3306), ("mysql://u:p@127.0.0.2:1/x", 1)])
def test_a_port_that_is_not_named_is_the_usual_one(url: str, port: int) -> None:
    assert refused(settings(database_url=url), "127.0.0.2", port)


@pytest.mark.parametrize(("port", "denied"), [(8080, True), (8083, True), (8084, False), (8079, False)])
def test_the_ports_of_all_processes_are_no_targets(port: int, denied: bool) -> None:
    assert refused(settings(processes=4, port=8080), "127.0.0.1", port) is denied


def test_an_api_on_all_addresses_is_none_on_any_of_them() -> None:
    assert refused(settings(host="0.0.0.0", processes=2, port=8080), "127.0.0.1", 8081)
