"""The installation's time: this machine's boot clock plus the measured offset to the database's UTC clock.

The boot clock never jumps, so a step of the wall clock cannot fire or lose anything. A measured step of more
than two seconds freezes recording until three samples agree; the time in between counts as an outage.
"""

import time
from dataclasses import dataclass

STEP_MICROS = 2_000_000
AGREEMENT_MICROS = 500_000
AGREEING_SAMPLES = 3


def boot_micros() -> int:
    """Microseconds since boot, suspended time included."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000


def wall_micros() -> int:
    return time.time_ns() // 1_000


@dataclass(frozen=True, slots=True)
class Sample:
    """A reading of the reference clock, taken between two readings of the boot clock. Microseconds."""

    reference: int
    before: int
    after: int

    @property
    def offset(self) -> int:
        return self.reference - (self.before + self.after) // 2

    @property
    def uncertainty(self) -> int:
        return (self.after - self.before) // 2


class Clock:
    """Reads in any thread; `observe` is called from one."""

    __slots__ = ("_doubts", "_offset", "frozen")

    def __init__(self, *, offset: int) -> None:
        self._offset = offset
        self._doubts: list[int] = []
        self.frozen = False
        """True while a step is being confirmed: nothing may be recorded."""

    @classmethod
    def of_this_machine(cls) -> "Clock":
        return cls(offset=wall_micros() - boot_micros())

    def now(self) -> int:
        """Microseconds since the Unix epoch, UTC."""
        return boot_micros() + self._offset

    def set(self, sample: Sample) -> None:
        """Begin on the reference; for a start, before anything was recorded."""
        self._offset = sample.offset

    def observe(self, sample: Sample) -> None:
        """Follow the reference: drift at once, a step only when three samples agree on it."""
        difference = sample.offset - self._offset
        if abs(difference) > STEP_MICROS + sample.uncertainty:
            self._doubt(sample.offset)
            return
        self.frozen = False
        self._doubts.clear()
        if abs(difference) > sample.uncertainty:
            self._offset += difference if sample.uncertainty < 1_000 else difference // 2

    def _doubt(self, offset: int) -> None:
        self.frozen = True
        if self._doubts and abs(self._doubts[-1] - offset) > AGREEMENT_MICROS:
            self._doubts.clear()
        self._doubts.append(offset)
        if len(self._doubts) >= AGREEING_SAMPLES:
            self._offset = offset
            self._doubts.clear()
            self.frozen = False
