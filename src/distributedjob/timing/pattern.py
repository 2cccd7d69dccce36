"""A cron expression as bit sets, searched on a plain local clock that knows no zones and no jumps.

Times here are *local seconds*: seconds since 1970-01-01T00:00:00 as the wall clock shows them. A search visits only
months that the expression allows and ends with the year 2199, so it is bounded whatever the expression: the
28 shapes that a month can have (length and first weekday) are looked up, never computed twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from functools import lru_cache

from distributedjob.timing.fields import FIRST_YEAR, LAST_YEAR, Item, LastDay, LastWeekday, NearestWeekday, NthWeekday

DAY_SECONDS = 86_400
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
LAST_DAY = date(LAST_YEAR, 12, 31).toordinal() - EPOCH_ORDINAL

_MONTH_DAYS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class DayRule(Enum):
    """How the two day fields combine."""

    BOTH = "both"
    EITHER = "either"


@lru_cache(maxsize=1024)
def _following(mask: int, size: int) -> tuple[int, ...]:
    """For each position up to `size`: the lowest set bit at or above it, else -1."""
    table = [-1] * (size + 1)
    for position in range(size - 1, -1, -1):
        table[position] = position if mask >> position & 1 else table[position + 1]
    return tuple(table)


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def month_length(year: int, month: int) -> int:
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if leap else _MONTH_DAYS[month]


@dataclass(slots=True, kw_only=True)
class Pattern:
    """Bit n of a mask stands for the value n. `shapes` and the tables are caches of what the masks say."""

    seconds: int
    minutes: int
    hours: int
    days: int
    months: int
    weekdays: int
    years: int
    day_items: tuple[Item, ...]
    weekday_items: tuple[Item, ...]
    day_rule: DayRule
    _shapes: dict[int, int] = field(default_factory=dict, init=False)
    _next_second: tuple[int, ...] = field(init=False)
    _next_minute: tuple[int, ...] = field(init=False)
    _next_hour: tuple[int, ...] = field(init=False)
    _month: tuple[int, int, int] = field(default=(0, 0, 0), init=False)

    def __post_init__(self) -> None:
        self._next_second = _following(self.seconds, 60)
        self._next_minute = _following(self.minutes, 60)
        self._next_hour = _following(self.hours, 24)

    def first_from(self, local: int) -> int | None:
        """The first match at or after `local`; None when there is none up to the end of 2199."""
        day, time = divmod(local, DAY_SECONDS)
        found = self._day_from(day)
        if found is None:
            return None
        if found == day:
            hit = self._time_from(time)
            if hit >= 0:
                return day * DAY_SECONDS + hit
            found = self._day_from(day + 1)
            if found is None:
                return None
        return found * DAY_SECONDS + self._time_from(0)

    def last_until(self, local: int) -> int | None:
        """The last match at or before `local`; None when there is none since the start of 1970."""
        day, time = divmod(local, DAY_SECONDS)
        found = self._day_until(day)
        if found is None:
            return None
        if found == day:
            hit = self._time_until(time)
            if hit >= 0:
                return day * DAY_SECONDS + hit
            found = self._day_until(day - 1)
            if found is None:
                return None
        return found * DAY_SECONDS + self._time_until(DAY_SECONDS - 1)

    def _time_from(self, time: int) -> int:
        """The first matching second of the day at or after `time`, else -1."""
        hour, rest = divmod(time, 3600)
        minute, second = divmod(rest, 60)
        if self._next_hour[hour] == hour:
            if self._next_minute[minute] == minute:
                second = self._next_second[second]
                if second >= 0:
                    return hour * 3600 + minute * 60 + second
            minute = self._next_minute[minute + 1]
            if minute >= 0:
                return hour * 3600 + minute * 60 + self._next_second[0]
        hour = self._next_hour[hour + 1]
        if hour < 0:
            return -1
        return hour * 3600 + self._next_minute[0] * 60 + self._next_second[0]

    def _time_until(self, time: int) -> int:
        """The last matching second of the day at or before `time`, else -1."""
        hour, rest = divmod(time, 3600)
        minute, second = divmod(rest, 60)
        if self.hours >> hour & 1:
            if self.minutes >> minute & 1:
                found = _highest(self.seconds, second)
                if found >= 0:
                    return hour * 3600 + minute * 60 + found
            found = _highest(self.minutes, minute - 1)
            if found >= 0:
                return hour * 3600 + found * 60 + _highest(self.seconds, 59)
        found = _highest(self.hours, hour - 1)
        if found < 0:
            return -1
        return found * 3600 + _highest(self.minutes, 59) * 60 + _highest(self.seconds, 59)

    def _day_from(self, day: int) -> int | None:
        start, end, mask = self._month
        if start <= day < end:
            rest = mask >> (day - start)
            if rest & 1:
                return day
            if rest:
                return day + _lowest(rest)
            day = end
        for start, mask in self._months_from(day):
            rest = mask >> max(day - start, 0)
            if rest:
                return max(day, start) + _lowest(rest)
        return None

    def _day_until(self, day: int) -> int | None:
        for start, mask in self._months_until(day):
            found = _highest(mask, day - start)
            if found >= 0:
                return start + found
        return None

    def _months_from(self, day: int) -> Iterator[tuple[int, int]]:
        """First day and day mask of the allowed months from the one that holds `day`, and onwards."""
        if day > LAST_DAY:
            return
        now = date.fromordinal(max(day, 0) + EPOCH_ORDINAL)
        for year in range(now.year, LAST_YEAR + 1):
            if self.years >> year & 1:
                for month in range(now.month if year == now.year else 1, 13):
                    if self.months >> month & 1:
                        yield self._open_month(year, month)

    def _months_until(self, day: int) -> Iterator[tuple[int, int]]:
        """As `_months_from`, backwards."""
        if day < 0:
            return
        now = date.fromordinal(min(day, LAST_DAY) + EPOCH_ORDINAL)
        for year in range(now.year, FIRST_YEAR - 1, -1):
            if self.years >> year & 1:
                for month in range(now.month if year == now.year else 12, 0, -1):
                    if self.months >> month & 1:
                        yield self._open_month(year, month)

    def _open_month(self, year: int, month: int) -> tuple[int, int]:
        start = date(year, month, 1).toordinal() - EPOCH_ORDINAL
        length = month_length(year, month)
        shape = length * 7 + (start + 4) % 7  # 1 January 1970 was a Thursday
        mask = self._shapes.get(shape)
        if mask is None:
            mask = self._shapes[shape] = self._days_of(length, (start + 4) % 7)
        self._month = (start, start + length, mask)
        return start, mask

    def _days_of(self, length: int, first_weekday: int) -> int:
        """The matching days of such a month; bit 0 is the 1st."""
        days = (self.days >> 1) & ((1 << length) - 1)
        for item in self.day_items:
            days |= _month_day(item, length, first_weekday)
        weekdays = 0
        for day in range(length):
            weekdays |= (self.weekdays >> (first_weekday + day) % 7 & 1) << day
        for item in self.weekday_items:
            weekdays |= _month_weekday(item, length, first_weekday)
        return days & weekdays if self.day_rule is DayRule.BOTH else days | weekdays


def _highest(mask: int, position: int) -> int:
    """The highest set bit at or below `position`, else -1."""
    return (mask & ((2 << position) - 1)).bit_length() - 1 if position >= 0 else -1


def _month_day(item: Item, length: int, first_weekday: int) -> int:
    match item:
        case LastDay(before=before, nearest_weekday=nearest):
            day = length - before
        case NearestWeekday(day=day):
            nearest = True
        case _:
            return 0
    if not 1 <= day <= length:
        return 0
    return 1 << (_nearest_weekday(day, length, first_weekday) if nearest else day) - 1


def _nearest_weekday(day: int, length: int, first_weekday: int) -> int:
    """Saturday moves to Friday, Sunday to Monday, but never out of the month."""
    weekday = (first_weekday + day - 1) % 7
    if weekday == 6:
        return day - 1 if day > 1 else 3
    if weekday == 0:
        return day + 1 if day < length else day - 2
    return day


def _month_weekday(item: Item, length: int, first_weekday: int) -> int:
    match item:
        case NthWeekday(weekday=weekday, nth=nth):
            day = (weekday - first_weekday) % 7 + 1 + (nth - 1) * 7
        case LastWeekday(weekday=weekday):
            day = length - (first_weekday + length - 1 - weekday) % 7
        case _:
            return 0
    return 1 << day - 1 if day <= length else 0
