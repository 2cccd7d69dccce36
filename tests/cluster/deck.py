"""Which troubles there are, and how a campaign deals them out to its legs: by seed, so that each can be dealt again."""

import random
from collections.abc import Iterator

from cluster.leg import Leg
from cluster.neighbour_troubles import Flush, Lose, LoseMembers, ReadOnly
from cluster.network_troubles import BAD_LINES, How, LoseCommit, Partition
from cluster.node_troubles import CrashAt, Freeze, Kill, Stop, WrongClock, points_of
from cluster.shape import FULL, KAFKA, PULL, SCHEDULER, TWICE, WORKER, Shape
from cluster.trouble import Both, Trouble

LEG_SECONDS = 390.0
"""Of troubles and pauses; with start and rest a leg takes less than eight minutes."""
PAUSE = 4.0
ORDER = (FULL, PULL, FULL, TWICE, FULL, KAFKA)
ROLES = (SCHEDULER, WORKER)
PASSAGES, RARE_PASSAGES = 30, 5
RARE = tuple(f"{side}_{what}" for side in ("before", "after") for what in ("record", "claim", "publish", "result"))


def campaign(*, faults: int, seed: int) -> list[Leg]:
    """Legs with at least so many faults together. A longer campaign begins with the legs of a shorter one."""
    decks = {shape.name: _deal(shape, seed) for shape in ORDER}
    legs: list[Leg] = []
    while (done := sum(leg.planned for leg in legs)) < faults:
        number, shape = len(legs) + 1, ORDER[len(legs) % len(ORDER)]
        hand = _hand(decks[shape.name], most=faults - done)
        legs.append(Leg(name=f"leg {number} on {shape.name}", shape=shape, troubles=hand, seed=seed * 1000 + number))
    return legs


def _hand(deck: Iterator[Trouble], *, most: int) -> list[Trouble]:
    """As many as there is time for, and no more than are wanted."""
    hand: list[Trouble] = []
    while sum(trouble.seconds + PAUSE for trouble in hand) < LEG_SECONDS and sum(t.count for t in hand) < most:
        hand.append(next(deck))
    return hand


def _deal(shape: Shape, seed: int) -> Iterator[Trouble]:
    """All troubles of that shape in random order, again and again."""
    chance = random.Random(f"{seed} {shape.name}")
    while True:
        deck = [trouble for trouble in (*_catalogue(), *_sweep(chance), *_pairs(chance)) if trouble.fits(shape)]
        chance.shuffle(deck)
        yield from deck


def _catalogue() -> tuple[Trouble, ...]:
    return (
        *(Kill(role, down) for role in ROLES for down in (0.0, 1.0, 9.0)),
        Kill(WORKER, 20.0),
        *(Stop(role) for role in (SCHEDULER, SCHEDULER, WORKER)),
        *(Freeze(role, hold) for role in ROLES for hold in (4.0, 22.0)),
        Freeze(WORKER, 22.0),
        *(Partition(role, how, 20.0) for role in ROLES for how in How),
        *(Partition(role, How.DROPPED, 6.0) for role in ROLES),
        *BAD_LINES,
        *(LoseCommit(role) for role in ROLES for _ in range(2)),
        WrongClock(60),
        WrongClock(-60),
        *_neighbours(),
    )


def _neighbours() -> tuple[Trouble, ...]:
    return (
        Lose("mariadb", "kill"),
        Lose("mariadb", "stop"),
        Lose("mariadb", "stop", 30.0),
        Lose("mariadb", "freeze", 8.0),
        ReadOnly(),
        LoseMembers("kill"),
        LoseMembers("freeze"),
        LoseMembers("kill", members=2, hold_seconds=60.0),
        Lose("kafka", "kill", 5.0),
        Lose("kafka", "kill", 20.0),
        Lose("kafka", "freeze", 8.0),
        Lose("kafka", "wipe", 5.0),
        Lose("redis", "kill", 5.0),
        Lose("redis", "freeze", 8.0),
        Flush(),
    )


def _sweep(chance: random.Random) -> list[Trouble]:
    """Each crash point of each role, once."""
    return [
        CrashAt(role, point, chance.randint(1, RARE_PASSAGES if point in RARE else PASSAGES))
        for role in ROLES
        for point in points_of(role)
    ]


def _pairs(chance: random.Random) -> list[Trouble]:
    """What is worse together: a death while somebody else is away, two deaths, a death under a wrong clock."""
    deaths = [Kill(SCHEDULER), Kill(WORKER), Kill(WORKER, 9.0), Freeze(WORKER, 22.0), Kill(SCHEDULER, 9.0)]
    others: list[Trouble] = [
        Kill(SCHEDULER),
        Kill(WORKER),
        Partition(SCHEDULER, How.DROPPED, 20.0),
        Lose("mariadb", "kill"),
        Lose("mariadb", "stop", 12.0),
        WrongClock(chance.choice((60, -60))),
        LoseMembers("kill", members=2, hold_seconds=20.0),
        Lose("kafka", "kill", 8.0),
        Lose("kafka", "wipe", 5.0),
        Lose("redis", "kill", 5.0),
    ]
    return [Both(chance.choice(deaths), other) for other in others]


def smoke(*, seed: int = 7, shape: Shape = FULL) -> Leg:
    """Twenty faults of all kinds, short ones: for every run of the tests."""
    troubles: tuple[Trouble, ...] = (
        Kill(SCHEDULER),
        Lose("kafka", "kill", 2.0),
        CrashAt(WORKER, "after_send", 8),
        LoseCommit(SCHEDULER),
        LoseCommit(WORKER),
        Freeze(SCHEDULER, 8.0),
        Both(Lose("mariadb", "kill"), WrongClock(60)),
        LoseMembers("kill", members=2, hold_seconds=4.0),
        Kill(WORKER),
        Flush(),
        Lose("kafka", "wipe", 1.0),
        CrashAt(SCHEDULER, "after_record", 3),
        Partition(WORKER, How.DROPPED, 6.0),
        Lose("redis", "kill", 1.0),
        Freeze(WORKER, 18.0),
        ReadOnly(4.0),
        Stop(SCHEDULER),
        CrashAt(WORKER, "after_claim", 2),
        Both(Kill(SCHEDULER), Kill(WORKER)),
        Partition(SCHEDULER, How.REFUSED, 6.0),
        Lose("mariadb", "freeze", 4.0),
    )
    fitting = [trouble for trouble in troubles if trouble.fits(shape)]
    return Leg(name=f"smoke on {shape.name}", shape=shape, troubles=fitting, seed=seed, pause_seconds=(1.0, 2.0))


def deaths(*, shape: Shape = PULL, seed: int = 3) -> Leg:
    """Deaths, freezes and partitions alone."""
    troubles: tuple[Trouble, ...] = (
        Kill(SCHEDULER),
        Kill(WORKER),
        Freeze(WORKER, 20.0),
        Partition(WORKER, How.REFUSED, 20.0),
        Freeze(SCHEDULER, 10.0),
        Partition(SCHEDULER, How.DROPPED, 10.0),
        Stop(SCHEDULER),
        Kill(SCHEDULER),
        Kill(WORKER),
        LoseCommit(SCHEDULER),
        LoseCommit(WORKER),
    )
    return Leg(name=f"deaths on {shape.name}", shape=shape, troubles=troubles, seed=seed)
