"""Results are written in batches that one statement can carry."""

from collections import deque

from distributedjob.model.execution import Claimed
from distributedjob.services.results import HEAVY, Result, take_batch
from support.office import NOON, result_of_claim


def result(id_: int, *, body: int = 10) -> Result:
    made = result_of_claim(Claimed(id_, 5, 6, 1, NOON, NOON, NOON + 1, 1, 1, 1, 0, NOON, NOON, 1))
    assert made.output is not None
    return made._replace(output=made.output._replace(body="x" * body))


def sizes(results: list[Result], *, limit: int = 500) -> list[int]:
    waiting = deque(results)
    found = []
    while waiting:
        found.append(len(take_batch(waiting, limit=limit)))
    return found


def test_a_batch_is_never_larger_than_its_limit() -> None:
    assert sizes([result(n) for n in range(7)], limit=3) == [3, 3, 1]


def test_heavy_answers_make_smaller_batches() -> None:
    assert sizes([result(n, body=HEAVY // 4) for n in range(7)]) == [4, 3]


def test_one_answer_alone_is_always_taken() -> None:
    assert sizes([result(1, body=2 * HEAVY), result(2)]) == [1, 1]


def test_the_order_is_kept() -> None:
    waiting = deque(result(n) for n in range(5))
    assert [one.row.id for one in take_batch(waiting, limit=9)] == [0, 1, 2, 3, 4]


def test_a_stripped_result_has_nothing_left_to_leave_out() -> None:
    assert (result(1).bare, result(1).stripped().bare) == (False, True)
