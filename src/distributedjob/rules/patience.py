"""What guessing costs: waits that grow with each failure."""

from dataclasses import dataclass

from distributedjob.model.instant import MINUTE, SECOND, Instant

FORGET_AFTER: Instant = 15 * MINUTE
"""Failures are forgotten so long after the last one."""


@dataclass(frozen=True, slots=True)
class Patience:
    """`free` failures cost nothing; then waits double from one second to `cap`; failure `lock_at` waits `lock`."""

    free: int
    cap: Instant
    lock_at: int | None = None
    lock: Instant = 0

    def wait(self, failures: int) -> Instant:
        if self.lock_at is not None and failures >= self.lock_at:
            return self.lock
        return min(self.cap, SECOND << min(failures - self.free - 1, 20)) if failures > self.free else 0
