"""An etcd cluster of a test's own: members die and come back, a new leader is found, access is asked for."""

import subprocess

import pytest

from support.certificates import make_certificates
from support.etcd_server import EtcdCluster, EtcdUser


def test_the_shared_cluster_has_three_members(etcd_endpoints):
    assert len(set(etcd_endpoints)) == 3


def test_another_member_leads_after_the_leader_died_and_the_dead_one_comes_back(etcd_cluster):
    etcd_cluster.control("put", "key", "value")
    first = etcd_cluster.wait_for_leader()

    first.kill()

    assert etcd_cluster.wait_for_leader(other_than=first) is not first
    first.start()
    assert etcd_cluster.control("get", "key", "--print-value-only") == "value\n"


def test_another_member_leads_while_the_leader_is_frozen(etcd_cluster):
    first = etcd_cluster.wait_for_leader()

    first.freeze()

    assert etcd_cluster.wait_for_leader(other_than=first) is not first
    first.thaw()
    first.wait_until_ready()


def test_killed_members_find_what_they_stored_and_wiped_ones_find_nothing(etcd_cluster):
    etcd_cluster.control("put", "key", "value")

    etcd_cluster.kill()
    etcd_cluster.start()
    kept = etcd_cluster.control("get", "key", "--print-value-only")
    etcd_cluster.wipe()

    assert kept == "value\n"
    assert etcd_cluster.control("get", "key", "--print-value-only") == ""


def test_a_user_reaches_the_keys_under_the_prefix_over_tls_and_no_others(tmp_path):
    certificates = make_certificates(tmp_path / "certificates")
    user = EtcdUser(name="dj", password="one-of-many", prefix="dj/")
    with EtcdCluster(tmp_path / "etcd", size=1, tls=certificates, client_ca=certificates.ca, user=user) as cluster:
        cluster.control("put", "dj/key", "value", user="dj:one-of-many")

        with pytest.raises(subprocess.CalledProcessError):
            cluster.control("put", "foreign", "value", user="dj:one-of-many")
        with pytest.raises(subprocess.CalledProcessError):
            cluster.control("put", "dj/key", "value", user="dj:guess")
