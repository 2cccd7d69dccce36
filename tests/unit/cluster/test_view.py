"""Who counts as an owner and who leads: the table says who lives, a healthy etcd says at once who went."""

import pytest

from distributedjob.cluster.view import NO_VIEW, View, leader_of, owners

ME, OTHER, THIRD = 1, 2, 3
ALL = (ME, OTHER, THIRD)


def healthy(*sessions: int, leader: int | None = None) -> View:
    return View(frozenset(sessions), leader, healthy=True)


def test_without_a_view_the_table_decides_alone() -> None:
    assert owners(ALL, view=NO_VIEW, seen=frozenset(ALL), own=ME) == ALL


def test_who_was_seen_and_is_gone_does_not_count() -> None:
    assert owners(ALL, view=healthy(ME, THIRD), seen=frozenset(ALL), own=ME) == (ME, THIRD)


def test_who_never_appeared_in_etcd_is_judged_by_the_table() -> None:
    assert owners(ALL, view=healthy(ME, THIRD), seen=frozenset({ME, THIRD}), own=ME) == ALL


def test_the_own_session_counts_whatever_etcd_shows() -> None:
    assert owners(ALL, view=healthy(OTHER), seen=frozenset(ALL), own=ME) == (ME, OTHER)


def test_etcd_alone_makes_nobody_an_owner() -> None:
    assert owners((ME,), view=healthy(*ALL), seen=frozenset(ALL), own=ME) == (ME,)


def test_a_session_that_is_back_counts_again() -> None:
    assert owners(ALL, view=healthy(*ALL), seen=frozenset(ALL), own=ME) == ALL


def test_owners_are_in_order() -> None:
    assert owners((THIRD, ME, OTHER), view=NO_VIEW, seen=frozenset(), own=ME) == ALL


@pytest.mark.parametrize("leader", ALL)
def test_etcds_leader_leads(leader: int) -> None:
    assert leader_of(ALL, view=healthy(*ALL, leader=leader)) == leader


def test_while_nobody_was_elected_the_lowest_scheduler_leads() -> None:
    assert leader_of(ALL, view=healthy(*ALL, leader=None)) == min(ALL)


def test_without_a_view_the_lowest_scheduler_leads() -> None:
    assert leader_of(ALL, view=NO_VIEW) == min(ALL)


def test_where_nobody_owns_nobody_leads() -> None:
    assert leader_of((), view=NO_VIEW) is None


def test_a_leader_that_is_drained_is_followed_by_the_lowest_scheduler() -> None:
    assert leader_of((OTHER,), view=healthy(*ALL, leader=ME)) == OTHER
