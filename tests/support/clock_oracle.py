"""A second opinion on cron and daylight saving time that shares no code with the program.

It walks UTC minute by minute (or second by second), writes down what the clock of the zone shows, and reads the
fires off that list. It knows plain fields only (`*`, values, ranges, steps, lists): what is tested here is time.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo, available_timezones

FIRST = datetime(2000, 1, 1, tzinfo=UTC)
LAST = datetime(2038, 1, 1, tzinfo=UTC)


def values(text: str, lowest: int, highest: int) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        body, _, step = part.partition("/")
        if body == "*":
            first, last = lowest, highest
        elif "-" in body:
            first, last = (int(end) for end in body.split("-"))
        else:
            first = last = int(body)
        found.update(range(first, last + 1, int(step or 1)))
    return found


class PlainCron:
    """Five or six plain fields; weekdays 0-6 with Sunday 0."""

    def __init__(self, text: str) -> None:
        words = text.split()
        self.steps_by_second = len(words) == 6
        second, minute, hour, day, month, weekday = words if self.steps_by_second else ["0", *words]
        self.rhythm = minute[0] == "*" or hour[0] == "*"
        self.either = day[0] != "*" and weekday[0] != "*"
        self.seconds = values(second, 0, 59)
        self.times = {h * 60 + m for h in values(hour, 0, 23) for m in values(minute, 0, 59)}
        self.days, self.months, self.weekdays = values(day, 1, 31), values(month, 1, 12), values(weekday, 0, 6)

    def matches(self, wall: datetime) -> bool:
        if wall.hour * 60 + wall.minute not in self.times:
            return False
        if wall.second not in self.seconds:
            return False
        by_day, by_weekday = wall.day in self.days, wall.isoweekday() % 7 in self.weekdays
        return wall.month in self.months and (by_day or by_weekday if self.either else by_day and by_weekday)


class Walk:
    """What a zone's clock shows at each UTC step of a stretch of time; `step` is one minute or one second."""

    def __init__(self, zone: ZoneInfo, start: datetime, end: datetime, step: timedelta) -> None:
        self.step = step
        self.shown: list[tuple[datetime, datetime]] = []
        self.instants: dict[datetime, list[datetime]] = {}
        while start < end:
            wall = start.astimezone(zone).replace(tzinfo=None)
            self.shown.append((start, wall))
            self.instants.setdefault(wall, []).append(start)
            start += step
        self.walls = [min(self.instants)]
        last = max(self.instants)
        while self.walls[-1] < last:
            self.walls.append(self.walls[-1] + step)
        self.jump = self._jump()

    def _jump(self) -> tuple[datetime, datetime, datetime] | None:
        """UTC of the one jump forwards, what the clock showed a step before, and what it shows then."""
        for (_, before), (utc, after) in pairwise(self.shown):
            if after - before > self.step:
                return utc, before, after
        return None

    def fires(self, cron: PlainCron, gap: str, repeat: str) -> list[datetime]:
        if cron.rhythm:
            return [utc for utc, wall in self.shown if cron.matches(wall)]
        fires = set()
        for wall in self.walls:
            if cron.matches(wall):
                found = self.instants.get(wall)
                fires.update(self._repeated(found, repeat) if found else self._missing(wall, gap))
        return sorted(fires)

    def _repeated(self, found: list[datetime], repeat: str) -> list[datetime]:
        return {"first": found[:1], "second": found[-1:], "both": found}[repeat]

    def _missing(self, wall: datetime, gap: str) -> list[datetime]:
        assert self.jump, f"{wall} is neither shown nor jumped over"
        utc, before, after = self.jump
        assert before < wall < after
        moved = wall + (after - before - self.step)
        return {"skip": [], "run_at_transition": [utc], "shift_by_gap": self.instants.get(moved, [])}[gap]


@dataclass(frozen=True)
class Change:
    """At `at` the clock of the zone moves by `width`."""

    at: datetime
    width: timedelta


@cache
def changes(zone: ZoneInfo) -> list[Change]:
    """All changes of a zone's UTC offset from 2000 to 2037, found by a walk from day to day."""
    found, step = [], timedelta(days=1)
    left, offset = FIRST, FIRST.astimezone(zone).utcoffset()
    while left < LAST:
        right = left + step
        after = right.astimezone(zone).utcoffset()
        if after != offset:
            low, high = left, right
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                middle = middle.replace(microsecond=0)
                low, high = (middle, high) if middle.astimezone(zone).utcoffset() == offset else (low, middle)
            found.append(Change(high, after - offset))
        left, offset = right, after
    return found


def zones_by_history() -> list[list[str]]:
    """All IANA names, those with the same zone file together; every name is in exactly one group."""
    groups: dict[bytes, list[str]] = {}
    for name in sorted(available_timezones() - {"localtime", "Factory"}):
        groups.setdefault(_zone_file(name), []).append(name)
    return list(groups.values())


def _zone_file(name: str) -> bytes:
    for folder in TZPATH:
        path = Path(folder, name)
        if path.is_file():
            return path.read_bytes()
    return name.encode()
