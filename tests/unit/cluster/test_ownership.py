"""Every shard has one owner, all agree who it is, and only the shards of who comes or goes move."""

from hypothesis import given
from hypothesis import strategies as st

from distributedjob.cluster.ownership import shards_of
from distributedjob.model.task import SHARDS

sessions = st.sets(st.integers(1, 2**62), min_size=1, max_size=6)


def owners(living: set[int]) -> dict[int, int]:
    return {shard: session for session in living for shard in shards_of(session, living)}


def test_alone_one_owns_everything() -> None:
    assert shards_of(7, [7]) == tuple(range(SHARDS))


def test_nobody_is_left_out_among_a_few() -> None:
    counts = [len(shards_of(session, [11, 22, 33])) for session in (11, 22, 33)]
    assert min(counts) > SHARDS // 8


@given(sessions)
def test_every_shard_has_exactly_one_owner(living: set[int]) -> None:
    owned = [shard for session in living for shard in shards_of(session, living)]
    assert sorted(owned) == list(range(SHARDS))


@given(sessions)
def test_the_order_of_the_list_does_not_matter(living: set[int]) -> None:
    session = min(living)
    assert shards_of(session, sorted(living)) == shards_of(session, sorted(living, reverse=True))


@given(sessions.filter(lambda living: len(living) > 1))
def test_when_one_goes_only_its_shards_move(living: set[int]) -> None:
    gone = max(living)
    before, after = owners(living), owners(living - {gone})
    assert {shard for shard in before if before[shard] != after[shard]} == {
        shard for shard, session in before.items() if session == gone
    }
