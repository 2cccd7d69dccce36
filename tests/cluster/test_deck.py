"""A campaign's plan follows from its seed, covers everything, and can be taken up again."""

from collections import Counter

from cluster.deck import LEG_SECONDS, campaign, smoke
from cluster.node_troubles import CrashAt, points_of
from cluster.shape import FULL, SCHEDULER, WORKER


def test_the_same_seed_deals_the_same_troubles() -> None:
    assert campaign(faults=150, seed=1) == campaign(faults=150, seed=1)
    assert campaign(faults=150, seed=1) != campaign(faults=150, seed=2)


def test_there_are_as_many_faults_as_were_asked_for() -> None:
    assert sum(leg.planned for leg in campaign(faults=150, seed=1)) >= 150


def test_no_leg_takes_longer_than_eight_minutes() -> None:
    for leg in campaign(faults=400, seed=3):
        assert sum(trouble.seconds for trouble in leg.troubles) < LEG_SECONDS + 70


def test_a_long_campaign_harms_everything_in_every_way() -> None:
    legs = campaign(faults=600, seed=1)
    groups = Counter(trouble.group for leg in legs for trouble in leg.troubles)
    assert {"scheduler killed", "worker frozen", "etcd quorum lost", "kafka wiped", "redis flushed"} <= groups.keys()
    assert {"mariadb away", "mariadb read-only", "clock set wrong", "worker partitioned"} <= groups.keys()
    points = {(t.role, t.point) for leg in legs for t in leg.troubles if isinstance(t, CrashAt)}
    assert points == {(role, point) for role in (SCHEDULER, WORKER) for point in points_of(role)}


def test_the_short_form_has_twenty_faults() -> None:
    assert smoke(shape=FULL).planned >= 20
