"""The installation's time follows its reference: drift at once, a step only when three samples agree on it."""

import pytest

from distributedjob.runtime import clock as module
from distributedjob.runtime.clock import Clock, Sample

SECOND = 1_000_000
BOOT = 1_000 * SECOND


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock 5,000 s ahead of the boot clock, which stands still."""
    monkeypatch.setattr(module, "boot_micros", lambda: BOOT)
    return Clock(offset=5_000 * SECOND)


def sample(error: float, *, uncertainty: float = 0) -> Sample:
    """A reading of a reference that is `error` seconds ahead of the clock of these tests."""
    half = round(uncertainty * SECOND)
    return Sample(BOOT + 5_000 * SECOND + round(error * SECOND), BOOT - half, BOOT + half)


def off(clock: Clock) -> float:
    """How far the clock has followed, in seconds."""
    return round((clock.now() - BOOT) / SECOND - 5_000, 6)


def test_small_drift_is_followed_at_once(clock: Clock) -> None:
    clock.observe(sample(0.2))
    assert (off(clock), clock.frozen) == (0.2, False)


def test_an_uncertain_reading_is_followed_half_way(clock: Clock) -> None:
    clock.observe(sample(0.2, uncertainty=0.05))
    assert off(clock) == 0.1


def test_what_is_within_the_uncertainty_is_no_drift(clock: Clock) -> None:
    clock.observe(sample(0.04, uncertainty=0.05))
    assert off(clock) == 0


def test_a_step_freezes_recording_and_is_not_followed(clock: Clock) -> None:
    clock.observe(sample(60))
    assert (off(clock), clock.frozen) == (0, True)


@pytest.mark.parametrize("step", [60, -60])
def test_three_samples_that_agree_make_a_step(clock: Clock, step: int) -> None:
    for drift in (0, 0.1, 0.2):
        clock.observe(sample(step + drift))
    assert (off(clock), clock.frozen) == (step + 0.2, False)


def test_two_are_not_enough(clock: Clock) -> None:
    for _ in range(2):
        clock.observe(sample(60))
    assert (off(clock), clock.frozen) == (0, True)


def test_samples_that_disagree_begin_anew(clock: Clock) -> None:
    for error in (60, 90, 90, 120, 120):
        clock.observe(sample(error))
    assert (off(clock), clock.frozen) == (0, True)


def test_a_single_outlier_is_forgotten(clock: Clock) -> None:
    for error in (60, 60, 0):
        clock.observe(sample(error))
    clock.observe(sample(60))
    assert (off(clock), clock.frozen) == (0, True)
    clock.observe(sample(0))
    assert not clock.frozen


def test_a_step_within_the_uncertainty_of_its_reading_is_no_step(clock: Clock) -> None:
    clock.observe(sample(5, uncertainty=4))
    assert not clock.frozen


def test_a_start_takes_the_reference_as_it_is(clock: Clock) -> None:
    clock.set(sample(3_600))
    assert off(clock) == 3_600


def test_the_offset_is_taken_at_the_middle_of_the_reading() -> None:
    assert (Sample(100, 10, 30).offset, Sample(100, 10, 30).uncertainty) == (80, 10)
