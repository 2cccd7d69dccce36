"""Where things are in etcd: the leader and all nodes in one range, and nothing else in it."""

import pytest

from distributedjob.cluster.etcd.keys import Keys, end_of

KEYS = Keys("dj")


def in_range(key: bytes) -> bool:
    first, end = KEYS.members
    return first <= key < end


def test_the_leader_and_the_nodes_are_in_the_range_of_members() -> None:
    assert all(in_range(key) for key in (KEYS.leader, KEYS.node(1), KEYS.node(2**62)))


@pytest.mark.parametrize("key", [KEYS.cluster, KEYS.targets + b"a/b", b"dj/nodes0", b"dk/leader", b"djx/nodes/1"])
def test_nothing_else_is_in_the_range_of_members(key: bytes) -> None:
    assert not in_range(key)


def test_a_nodes_key_names_its_session() -> None:
    assert KEYS.find_session(KEYS.node(7)) == 7


@pytest.mark.parametrize("key", [KEYS.leader, b"dj/nodes/", b"dj/nodes/x", b"dj/nodes/1/2", b"dj/nodes/-1"])
def test_what_is_no_nodes_key_names_nobody(key: bytes) -> None:
    assert KEYS.find_session(key) is None


def test_the_end_of_a_prefix_comes_right_after_all_that_begin_with_it() -> None:
    end = end_of(b"dj/targets/")
    assert b"dj/targets/\xff\xff" < end <= b"dj/targets0"
