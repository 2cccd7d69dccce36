"""How many executions are claimed for slots that are not free yet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributedjob.worker.ahead import Ahead
from distributedjob.worker.slots import Slots

ENOUGH = 400
"""Calls after which the mean is theirs."""


def after(*seconds: float, slots: int = 50) -> Ahead:
    """Having seen calls of these lengths, over and over."""
    ahead = Ahead(slots)
    for _ in range(ENOUGH):
        for one in seconds:
            ahead.note(one)
    return ahead


def test_nothing_before_any_call_has_ended():
    assert Ahead(50).size(50) == 0


@pytest.mark.parametrize(("calls", "size"), [(0, 0), (10, 5), (40, 20)])
def test_as_many_as_calls_will_end_in_fifty_milliseconds(calls, size):
    assert after(0.1).size(calls) == pytest.approx(size, abs=1)


def test_half_the_slots_at_most():
    assert after(0.001).size(50) == 25


def test_nothing_when_calls_are_long():
    assert after(10.0).size(50) == 0


def test_nothing_when_some_calls_are_long():
    assert after(0.01, 10.0).size(50) == 0


def test_nothing_with_one_slot():
    assert after(0.01, slots=1).size(1) == 0


def test_nothing_when_calls_do_not_end_as_they_did():
    ahead = after(0.01)
    ahead.forget()
    assert ahead.size(50) == 0


@given(st.lists(st.floats(0, 1e6), max_size=50), st.integers(1, 100), st.integers(0, 100))
def test_never_below_nothing_nor_above_half(seconds, slots, calls):
    ahead = Ahead(slots)
    for one in seconds:
        ahead.note(one)
    assert 0 <= ahead.size(calls) <= slots // 2


def used(slots: Slots) -> Slots:
    """All of them, for short calls."""
    slots.take(slots.total)
    for _ in range(ENOUGH):
        slots.ahead.note(0.01)
    return slots


def test_the_room_is_beyond_the_free_slots():
    slots = used(Slots(10))
    assert (slots.free, slots.take(1), slots.room, slots.take_room(9), slots.used) == (0, 0, 5, 5, 15)


def test_what_was_claimed_ahead_is_no_free_slot_when_a_call_ends():
    slots = used(Slots(10))
    slots.take_room(5)
    slots.give_back(5)
    assert (slots.free, slots.room) == (0, 5)


@pytest.mark.parametrize("shut", ["fit", "cordoned"])
def test_a_worker_that_takes_no_work_has_no_room(shut):
    slots = used(Slots(10))
    setattr(slots, shut, shut == "cordoned")
    assert (slots.free, slots.room) == (0, 0)
