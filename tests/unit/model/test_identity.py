"""Ids that grow with time, and keys that survive the loss of a database."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributedjob.model.identity import (
    ID_EPOCH,
    MAX_ID,
    NODES,
    IdSequence,
    first_id_at,
    idempotency_key,
    instant_of,
)
from distributedjob.model.instant import DAY, MILLISECOND, from_rfc3339

NOW = from_rfc3339("2026-11-24T12:00:00Z")
instants = st.integers(ID_EPOCH, ID_EPOCH + 60 * 365 * DAY)


@given(st.lists(instants, min_size=2, max_size=50), st.integers(0, NODES - 1))
def test_ids_of_one_node_always_grow(moments: list[int], node: int) -> None:
    sequence = IdSequence(node)
    made = [sequence.next(moment) for moment in moments]
    assert all(earlier < later for earlier, later in itertools.pairwise(made))


@given(instants)
def test_an_id_tells_when_it_was_made(moment: int) -> None:
    assert instant_of(IdSequence(5).next(moment)) == moment // MILLISECOND * MILLISECOND


def test_more_ids_than_a_millisecond_holds_borrow_from_the_next() -> None:
    sequence = IdSequence(1)
    made = {sequence.next(NOW) for _ in range(5_000)}
    assert len(made) == 5_000


def test_nodes_never_make_the_same_id() -> None:
    one, other = IdSequence(1), IdSequence(2)
    assert {one.next(NOW) for _ in range(2_000)}.isdisjoint({other.next(NOW) for _ in range(2_000)})


@given(instants, st.integers(0, NODES - 1))
def test_ids_fall_behind_the_bound_of_their_time(moment: int, node: int) -> None:
    made = IdSequence(node).next(moment)
    assert first_id_at(moment) <= made < first_id_at(moment + MILLISECOND)


@pytest.mark.parametrize("moment", [0, -DAY, ID_EPOCH - 1])
def test_before_the_beginning_there_are_no_ids(moment: int) -> None:
    assert first_id_at(moment) == 0


def test_ids_fit_into_sixty_three_bits() -> None:
    assert IdSequence(NODES - 1).next(from_rfc3339("2090-01-01T00:00:00Z")) <= MAX_ID


@pytest.mark.parametrize("node", [-1, NODES])
def test_numbers_that_do_not_fit_are_refused(node: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        IdSequence(node)


def test_the_same_fire_has_the_same_key_for_ever() -> None:
    assert idempotency_key(b"k" * 32, 7, NOW) == "a04a196fe5603fc49eb17ec4ac91f7f4"


@pytest.mark.parametrize(
    ("key", "source", "fire_at"), [(b"x" * 32, 7, NOW), (b"k" * 32, 8, NOW), (b"k" * 32, 7, NOW + 1)]
)
def test_another_cluster_schedule_or_time_has_another_key(key: bytes, source: int, fire_at: int) -> None:
    assert idempotency_key(key, source, fire_at) != idempotency_key(b"k" * 32, 7, NOW)
