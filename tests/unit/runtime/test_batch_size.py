"""Batches shrink with trouble and grow back."""

from distributedjob.runtime.batch_size import ENOUGH, SLOW_SECONDS, BatchSize


def halved(times: int) -> BatchSize:
    size = BatchSize(500)
    for _ in range(times):
        size.note_failure(size.now)
    return size


def test_a_failure_halves_the_batch() -> None:
    assert halved(1).now == 250


def test_a_failure_of_a_small_batch_makes_the_next_smaller_still() -> None:
    size = BatchSize(500)
    size.note_failure(10)
    assert size.now == 5


def test_failures_end_at_one_row() -> None:
    assert halved(20).now == 1


def test_full_batches_that_succeed_double_it_up_to_the_most() -> None:
    size = halved(20)
    sizes = []
    while size.now < 500:
        size.note_success(size.now, seconds=0.01)
        sizes.append(size.now)
    size.note_success(500, seconds=0.01)
    assert (sizes, size.now) == ([2, 4, 8, 16, 32, 64, 128, 256, 500], 500)


def test_a_batch_that_was_not_full_proves_nothing() -> None:
    size = halved(1)
    size.note_success(3, seconds=0.01)
    assert size.now == 250


def test_a_slow_success_halves_it_too() -> None:
    size = BatchSize(500)
    size.note_success(400, seconds=SLOW_SECONDS + 1)
    assert size.now == 200


def test_slowness_alone_leaves_enough_rows() -> None:
    size = BatchSize(500)
    for _ in range(20):
        size.note_success(size.now, seconds=SLOW_SECONDS + 1)
    assert size.now == ENOUGH
