"""Schedules in English."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from distributedjob.timing.fields import (
    DAY,
    HOUR,
    MONTH,
    WEEKDAY,
    YEAR,
    Every,
    FieldKind,
    Hashed,
    Item,
    LastDay,
    LastWeekday,
    NearestWeekday,
    NthWeekday,
    Span,
    item_values,
    span_values,
)
from distributedjob.timing.words import clock, runs, span_ends, units_of

WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = (
    "",
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
NTH = ("", "first", "second", "third", "fourth", "fifth")


class English:
    def sentence(self, *, year: str, month: str, day: str, within: Sequence[str], time: str, zone: str) -> str:
        text = ", ".join(
            part for part in (" ".join((time, *within)), day, " ".join(filter(None, (month, year)))) if part
        )
        return f"{text[0].upper()}{text[1:]} ({zone})"

    def clock_times(self, times: Sequence[str]) -> str:
        return f"at {_list(times)}"

    def every_hours(self, step: int) -> str:
        return _every(step, "hour")

    def hourly(self, step: int, first: str, last: str) -> str:
        return f"{_every(step, 'hour')} from {first} through {last}"

    def at(self, kind: FieldKind, items: Sequence[Item]) -> str:
        return _list([_at(item, kind) for item in runs(items)])

    def within(self, kind: FieldKind, items: Sequence[Item]) -> str:
        return _list([_within(item, kind) for item in runs(items)])

    def every_day(self) -> str:
        return "every day"

    def days(self, items: Sequence[Item]) -> str:
        return "on " + _list([_days(item) for item in runs(items)])

    def weekdays(self, items: Sequence[Item]) -> str:
        return "on " + _weekdays(items, "and")

    def either(self, days: Sequence[Item], weekdays: Sequence[Item]) -> str:
        return f"{self.days(days)}, and also {self.weekdays(weekdays)}"

    def both(self, days: Sequence[Item], weekdays: Sequence[Item]) -> str:
        return f"{self.days(days)}, only if that is {_weekdays(weekdays, 'or')}"

    def months(self, items: Sequence[Item]) -> str:
        return _list([_named(item, MONTH, lambda month: MONTHS[month]) for item in runs(items)])

    def years(self, items: Sequence[Item]) -> str:
        return _list([_named(item, YEAR, str) for item in runs(items)])

    def interval(self, every: timedelta, anchor: str) -> str:
        return f"Every {_duration(every)}, counted from {anchor}"

    def interval_after_end(self, every: timedelta) -> str:
        parts = [_plural(count, unit) for count, unit in units_of(every)]
        return f"{_list(parts)} after the end of the last execution"

    def once(self, at: str) -> str:
        return f"Once, at {at}"


def _list(parts: Iterable[str], word: str = "and") -> str:
    *most, last = parts
    return f"{', '.join(most)} {word} {last}" if most else last


def _plural(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _every(step: int, unit: str) -> str:
    return f"every {unit}" if step == 1 else f"every {step} {unit}s"


def _ordinal(number: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if 10 <= number % 100 <= 20 else endings.get(number % 10, 'th')}"


def _duration(every: timedelta) -> str:
    parts = units_of(every)
    if len(parts) == 1 and parts[0][0] == 1:
        return parts[0][1]
    return _list([_plural(count, unit) for count, unit in parts])


def _at(item: Item | tuple[int, ...], kind: FieldKind) -> str:
    match item:
        case tuple():
            return f"at {_numbered(item, kind.name)}"
        case Every(step=step) if kind.size % step == 0:
            return _every(step, kind.name)
        case Hashed(step=None):
            return f"at {_picked(item, kind.name)}"
        case _:
            step, start, end = _stepped(item, kind)
            return f"{_every(step, kind.name)} from {start}{end}"


def _within(item: Item | tuple[int, ...], kind: FieldKind) -> str:
    match item:
        case (hour,) if kind is HOUR:
            return f"between {clock(hour)} and {clock(hour, 59)}"
        case tuple():
            return f"in {_numbered(item, kind.name)}"
        case Every(step=1):
            return f"of every {kind.name}"
        case Every(step=step) if kind.size % step == 0:
            return f"in every {_ordinal(step)} {kind.name}"
        case Span(first=first, last=last, step=1):
            if kind is HOUR:
                return f"between {clock(first)} and {clock(last, 59)}"
            return f"in {kind.name}s {first} through {last}"
        case Hashed(step=None):
            return f"in {_picked(item, kind.name)}"
        case _:
            step, start, end = _stepped(item, kind)
            return f"in every {_ordinal(step)} {kind.name} from {start}{end}"


def _days(item: Item | tuple[int, ...]) -> str:
    match item:
        case tuple():
            return f"{_numbered(item, 'day')} of the month"
        case Every(step=1):
            return "every day"
        case Span(first=first, last=last, step=1):
            return f"days {first} through {last} of the month"
        case Hashed(step=None):
            return f"{_picked(item, 'day')} of the month"
        case LastDay(before=before, nearest_weekday=False):
            return _before_last(before)
        case LastDay(before=0):
            return "the last weekday (Monday to Friday) of the month"
        case LastDay(before=before):
            return f"the weekday (Monday to Friday) nearest to {_before_last(before)}"
        case NearestWeekday(day=day):
            return f"the weekday (Monday to Friday) nearest to day {day} of the month"
        case _:
            step, start, end = _stepped(item, DAY)
            return f"every {_ordinal(step)} day of the month from {start}{end}"


def _before_last(before: int) -> str:
    if before == 0:
        return "the last day of the month"
    return f"the day {'' if before == 1 else f'{before} days '}before the last day of the month"


def _weekdays(items: Sequence[Item], word: str) -> str:
    parts: list[str] = []
    for item in items:
        match item:
            case Span(step=1) if len(span_values(item, WEEKDAY)) >= WEEKDAY.size:
                parts.append("any day of the week")
            case Span(first=first, last=last, step=1) if last != first:
                parts.append(f"{WEEKDAYS[first % 7]} through {WEEKDAYS[last % 7]}")
            case NthWeekday(weekday=weekday, nth=nth):
                parts.append(f"the {NTH[nth]} {WEEKDAYS[weekday]} of the month")
            case LastWeekday(weekday=weekday):
                parts.append(f"the last {WEEKDAYS[weekday]} of the month")
            case Hashed(step=None):
                parts.append(f"a day of the week picked by H{_bounds(item, WEEKDAY)}")
            case Hashed(step=step):
                parts.append(
                    f"every {_ordinal(step or 1)} day of the week from one picked by H{_bounds(item, WEEKDAY)}"
                )
            case _:
                parts += [WEEKDAYS[weekday] for weekday in dict.fromkeys(item_values(item, WEEKDAY, seed=0))]
    return _list(parts, word)


def _named(item: Item | tuple[int, ...], kind: FieldKind, name: Callable[[int], str]) -> str:
    match item:
        case tuple():
            return f"in {_list(map(name, item))}"
        case Span(first=first, last=last, step=1):
            return f"from {name(first)} through {name(last)}"
        case Hashed(first=first, last=last, step=None):
            return f"in a {kind.name} picked by H ({name(first)} to {name(last)})"
        case Hashed(first=first, last=last, step=step):
            return f"every {step} {kind.name}s from one picked by H ({name(first)} to {name(last)})"
        case _:
            values = tuple(item_values(item, kind, seed=0))
            if len(values) <= 6:
                return f"in {_list(map(name, values))}"
            return f"{_every(values[1] - values[0], kind.name)} from {name(values[0])} through {name(values[-1])}"


def _numbered(values: tuple[int, ...], unit: str) -> str:
    return f"{unit}{'s' if len(values) > 1 else ''} {_list(map(str, values))}"


def _picked(item: Hashed, unit: str) -> str:
    return f"{'an' if unit == 'hour' else 'a'} {unit} picked by H ({item.first}-{item.last})"


def _bounds(item: Hashed, kind: FieldKind) -> str:
    if item.last - item.first + 1 >= kind.size:
        return ""
    return f" ({WEEKDAYS[item.first % 7]} to {WEEKDAYS[item.last % 7]})"


def _stepped(item: Item, kind: FieldKind) -> tuple[int, str, str]:
    """Step, first and last (with its word) of what does not come round evenly."""
    unit = "day" if kind is DAY else kind.name
    match item:
        case Every(step=step):
            values = tuple(item_values(item, kind, seed=0))
            return step, f"{unit} {values[0]}", f" through {values[-1]}"
        case Span(step=step):
            first, last = span_ends(item, kind)
            return step, f"{unit} {first}", f" through {last}"
        case Hashed(step=step):
            return step or 1, _picked(item, unit), ""
        case _:
            raise AssertionError(f"{item} has no step")
