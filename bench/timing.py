"""Microseconds per next fire, beside cronsim in the same run: `python -m bench.timing`.

Each figure is the best of several passes over the same stretch of fires: other work on the machine only adds.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from distributedjob.model.instant import from_datetime
from distributedjob.model.schedule import CronTiming, Schedule
from distributedjob.timing.timetable import next_fire, timetable_of

START = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
FIRES = 300
PASSES = 7
ENTRIES = (
    ("* * * * * *", "UTC"),
    ("* * * * *", "Europe/Berlin"),
    ("*/5 * * * *", "Asia/Shanghai"),
    ("0 9 * * MON-FRI", "America/New_York"),
    ("30 2 * * *", "Europe/Berlin"),
    ("0 0 1,15 * *", "UTC"),
    ("0 0 L * *", "UTC"),
    ("0 12 * * FRI#3", "UTC"),
    ("0 12 15W * *", "Europe/Berlin"),
    ("0 0 1 1 *", "Europe/Berlin"),
)


def ours(expression: str, zone: str) -> float:
    timetable = timetable_of(CronTiming(expression, time_zone=zone), seed=1)
    return _best(lambda: _chain(timetable.next_after))


def through_the_schedule(expression: str, zone: str) -> float:
    """With the look-up of the compiled timetable and the window, as the scheduler asks."""
    schedule = Schedule(1, CronTiming(expression, time_zone=zone), seed=1)
    return _best(lambda: _chain(lambda at: next_fire(schedule, at)))


def theirs(expression: str, zone: str) -> float | None:
    start = START.astimezone(UTC if zone == "UTC" else ZoneInfo(zone))

    def run() -> int:
        entry, count = CronSim(expression, start), 0
        for _ in zip(range(FIRES), entry, strict=False):
            count += 1
        return count

    try:
        return _best(run)
    except CronSimError:
        return None


def _chain(next_after: Callable[[int], int | None]) -> int:
    at, count = from_datetime(START), 0
    while count < FIRES and (found := next_after(at)) is not None:
        at, count = found, count + 1
    return count


def _best(run: Callable[[], int]) -> float:
    best = float("inf")
    for _ in range(PASSES):
        started = perf_counter()
        count = run()
        best = min(best, (perf_counter() - started) / max(count, 1) * 1e6)
    return best


def main() -> None:
    print(f"{'entry':18} {'zone':18} {'next_after':>11} {'next_fire':>10} {'cronsim':>9}   µs per fire")
    for expression, zone in ENTRIES:
        other = theirs(expression, zone)
        shown = "refused" if other is None else f"{other:.1f}"
        print(
            f"{expression:18} {zone:18} {ours(expression, zone):11.2f} "
            f"{through_the_schedule(expression, zone):10.2f} {shown:>9}"
        )


if __name__ == "__main__":
    main()
