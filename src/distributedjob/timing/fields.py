"""The fields of a cron expression: what each may hold, and the items that a field is made of.

Values are kept as bit sets. Weekdays are 0 (Sunday) to 6 once an item is built, whatever the dialect counts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

FIRST_YEAR = 1970
LAST_YEAR = 2199
"""The range of years of the Open Cron Pattern Specification; no search leaves it."""

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


class CronError(ValueError):
    """The expression is wrong. The text names the field, the offending part and what is allowed."""


@dataclass(frozen=True, slots=True)
class FieldKind:
    """`first` and `last` are what may be written; `size` values stand behind them; `hash_last` bounds a bare `H`."""

    name: str
    first: int
    last: int
    size: int
    hash_last: int
    names: Mapping[str, int] = field(default_factory=dict, hash=False)

    @property
    def allowed(self) -> str:
        text = f"{self.first}-{self.last}"
        if not self.names:
            return text
        names = list(self.names)
        return f"{text} or {names[0]}-{names[-1]}"


SECOND = FieldKind("second", 0, 59, 60, 59)
MINUTE = FieldKind("minute", 0, 59, 60, 59)
HOUR = FieldKind("hour", 0, 23, 24, 23)
DAY = FieldKind("day-of-month", 1, 31, 31, 28)
MONTH = FieldKind("month", 1, 12, 12, 12, {name: number for number, name in enumerate(MONTHS, 1)})
WEEKDAY = FieldKind("day-of-week", 0, 7, 7, 6, {name: number for number, name in enumerate(WEEKDAYS)})
QUARTZ_WEEKDAY = FieldKind("day-of-week", 1, 7, 7, 7, {name: number for number, name in enumerate(WEEKDAYS, 1)})
YEAR = FieldKind("year", FIRST_YEAR, LAST_YEAR, LAST_YEAR - FIRST_YEAR + 1, LAST_YEAR)


def bits(values: Iterable[int]) -> int:
    mask = 0
    for value in values:
        mask |= 1 << value
    return mask


@dataclass(frozen=True, slots=True)
class Every:
    """`*` or `*/step`; `?` is the same with `question` set."""

    step: int = 1
    question: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    value: int


@dataclass(frozen=True, slots=True)
class Span:
    """`first-last/step`, both ends inclusive, possibly wrapping; `open_ended` for `first/step`."""

    first: int
    last: int
    step: int = 1
    open_ended: bool = False


@dataclass(frozen=True, slots=True)
class Hashed:
    """`H`, `H(first-last)`, `H/step`, `H(first-last)/step`: the schedule's seed picks the value."""

    first: int
    last: int
    step: int | None = None

    def values(self, seed: int, *, salt: str) -> tuple[int, ...]:
        """The picked values, rising; one without a step. The same seed and salt give the same values for ever."""
        size = self.last - self.first + 1
        digest = blake2b(seed.to_bytes(8, "big"), digest_size=8, person=salt.encode()).digest()
        start = self.first + int.from_bytes(digest, "big") % min(size, self.step or size)
        return tuple(range(start, self.last + 1, self.step)) if self.step else (start,)


@dataclass(frozen=True, slots=True)
class LastDay:
    """`L`, `L-before`; with `nearest_weekday` `LW`, `L-beforeW`."""

    before: int = 0
    nearest_weekday: bool = False


@dataclass(frozen=True, slots=True)
class NearestWeekday:
    """`nW`: the Monday to Friday nearest to that day, inside its month."""

    day: int


@dataclass(frozen=True, slots=True)
class NthWeekday:
    """`MON#nth`."""

    weekday: int
    nth: int


@dataclass(frozen=True, slots=True)
class LastWeekday:
    """`FRIL`, `5L`, `FRI#L`."""

    weekday: int


Item = Every | Value | Span | Hashed | LastDay | NearestWeekday | NthWeekday | LastWeekday


@dataclass(frozen=True, slots=True)
class Field:
    """One field as written (upper case, without the leading `+`) and its items."""

    kind: FieldKind
    text: str
    items: tuple[Item, ...]

    @property
    def starred(self) -> bool:
        """Whether the field begins with `*` (or is `?`): what Debian cron calls a star field."""
        return self.text[0] in "*?"

    @property
    def hashed(self) -> bool:
        return any(isinstance(item, Hashed) for item in self.items)

    @property
    def every(self) -> bool:
        """Whether the field is plain `*` or `?`."""
        return self.items in ((Every(),), (Every(question=True),))

    def mask(self, seed: int) -> int:
        """The plain values as bits; items that depend on the month are left to the pattern."""
        mask = 0
        for item in self.items:
            mask |= bits(item_values(item, self.kind, seed=seed))
        return mask


def item_values(item: Item, kind: FieldKind, *, seed: int) -> Iterable[int]:
    """The plain values of an item; nothing for an item that depends on the month."""
    match item:
        case Every(step=step):
            return range(_lowest(kind), _lowest(kind) + kind.size, step)
        case Value(value=value):
            return (value,)
        case Span():
            return span_values(item, kind)
        case Hashed():
            return item.values(seed, salt=kind.name)
        case LastDay() | NearestWeekday() | NthWeekday() | LastWeekday():
            return ()


def span_values(span: Span, kind: FieldKind) -> tuple[int, ...]:
    """In firing order, so that a step counts from `first` across the wrap. `7` of a Unix weekday becomes 0."""
    lowest, size = _lowest(kind), kind.size
    count = span.last - span.first if span.last >= span.first else span.last - span.first + size
    return tuple((span.first + ahead - lowest) % size + lowest for ahead in range(0, count + 1, span.step))


def _lowest(kind: FieldKind) -> int:
    return 0 if kind.name == WEEKDAY.name else kind.first
