"""Hints a worker holds: by their time, then in the order they came."""

from distributedjob.worker.hints import Hints


def held(*moments: int, now: int = 100) -> Hints:
    hints = Hints()
    for id_, moment in enumerate(moments):
        hints.put((moment, id_, 0, "default"), now=now)
    return hints


def taken(hints: Hints, limit: int, *, now: int) -> list[int]:
    return [id_ for id_, _ in hints.take(limit, now=now).get("default", [])]


def test_those_that_are_due_go_in_the_order_they_came():
    assert taken(held(90, 80, 100), 2, now=100) == [0, 1]


def test_those_ahead_come_at_their_time_and_by_it():
    hints = held(130, 120)
    assert (taken(hints, 9, now=119), taken(hints, 9, now=130)) == ([], [1, 0])


def test_those_ahead_are_not_in_wait():
    hints = held(90, 130)
    assert (len(hints), hints.waiting, hints.next_at) == (2, 1, 90)


def test_no_hints_have_no_next_time():
    assert held().next_at is None


def test_letting_go_gives_those_that_could_start():
    hints = held(90, 130)
    assert ([hint[1] for hint in hints.clear()], len(hints)) == ([0], 0)
