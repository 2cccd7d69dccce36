"""What a language must be able to say about a schedule. `describe` decides what is said, a `Words` says it.

Phrases start in lower case and carry no final stop; `sentence` puts them together.
"""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from distributedjob.timing.fields import FieldKind, Item, Span, Value, span_values


class Language(StrEnum):
    EN = "en"
    ZH = "zh"


class Words(Protocol):
    """`items` are those of one field; `kind` is second, minute or hour where it is asked for."""

    def sentence(self, *, year: str, month: str, day: str, within: Sequence[str], time: str, zone: str) -> str:
        """The whole description; any part but `time` and `zone` may be empty."""

    def clock_times(self, times: Sequence[str]) -> str:
        """At these times of day, each as hh:mm or hh:mm:ss."""

    def every_hours(self, step: int) -> str: ...

    def hourly(self, step: int, first: str, last: str) -> str:
        """Every `step` hours from the first to the last time of day."""

    def at(self, kind: FieldKind, items: Sequence[Item]) -> str:
        """When it fires inside the next larger unit: `every 5 minutes`, `at second 30`."""

    def within(self, kind: FieldKind, items: Sequence[Item]) -> str:
        """What bounds a finer rhythm: `between 09:00 and 17:59`, `in minutes 10 through 20`."""

    def every_day(self) -> str: ...

    def days(self, items: Sequence[Item]) -> str:
        """Days of the month."""

    def weekdays(self, items: Sequence[Item]) -> str: ...

    def either(self, days: Sequence[Item], weekdays: Sequence[Item]) -> str: ...

    def both(self, days: Sequence[Item], weekdays: Sequence[Item]) -> str: ...

    def months(self, items: Sequence[Item]) -> str: ...

    def years(self, items: Sequence[Item]) -> str: ...

    def interval(self, every: timedelta, anchor: str) -> str: ...

    def interval_after_end(self, every: timedelta) -> str: ...

    def once(self, at: str) -> str: ...


def runs(items: Sequence[Item]) -> list[Item | tuple[int, ...]]:
    """The items with neighbouring single values gathered: `1,2,H,5-7` → (1, 2), H, 5-7."""
    found: list[Item | tuple[int, ...]] = []
    for item in items:
        if not isinstance(item, Value):
            found.append(item)
        elif found and isinstance(found[-1], tuple):
            found[-1] = (*found[-1], item.value)
        else:
            found.append((item.value,))
    return found


def span_ends(span: Span, kind: FieldKind) -> tuple[int, int]:
    """The first value of a span and the last one that its step reaches."""
    values = span_values(span, kind)
    return values[0], values[-1]


def units_of(every: timedelta) -> list[tuple[int, str]]:
    """A duration as whole parts, largest first: 90 s → (1, minute), (30, second)."""
    rest, parts = every // timedelta(microseconds=1), []
    for name, size in (("day", 86_400_000_000), ("hour", 3_600_000_000), ("minute", 60_000_000), ("second", 1_000_000)):
        count, rest = divmod(rest, size)
        if count:
            parts.append((count, name))
    return [*parts, (rest, "microsecond")] if rest else parts


def clock(hour: int, minute: int = 0, second: int = 0) -> str:
    return f"{hour:02}:{minute:02}" + (f":{second:02}" if second else "")
