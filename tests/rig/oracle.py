"""Which fires were due: found by brute force, second by second, with no cleverness that could be wrong in the same way.

Knows what the campaign uses: five or six cron fields in UTC of `*`, `*/n`, `a`, `a-b`, `a-b/n` and lists of them, with
Debian's rule for the two day fields; and intervals from an anchor.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from rig.facts import SECOND

_BOUNDS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


@dataclass(frozen=True, slots=True)
class Cron:
    expression: str


@dataclass(frozen=True, slots=True)
class Interval:
    every_seconds: float
    anchor_at: int


@dataclass(frozen=True, slots=True)
class FromEnd:
    """So long after the end of the execution before it: no oracle knows its fires beforehand."""

    every_seconds: float


Timing = Cron | Interval | FromEnd


def due_fires(timing: Timing, *, after: int, until: int) -> frozenset[int]:
    """All instants t with after < t ≤ until at which `timing` is due."""
    match timing:
        case Cron(expression):
            return _cron_fires(expression, after=after, until=until)
        case Interval(every_seconds, anchor_at):
            every = round(every_seconds * SECOND)
            first = max(0, (after - anchor_at) // every + 1)
            return frozenset(range(anchor_at + first * every, until + 1, every))
        case FromEnd():
            raise ValueError("fires that count from an end depend on what happens")


def _cron_fires(expression: str, *, after: int, until: int) -> frozenset[int]:
    texts = expression.split()
    fields = ["0", *texts] if len(texts) == 5 else texts
    sets = [_values(text, *bounds) for text, bounds in zip(fields, _BOUNDS, strict=True)]
    starred = fields[3].startswith("*"), fields[5].startswith("*")
    seconds = range(after // SECOND + 1, until // SECOND + 1)
    return frozenset(second * SECOND for second in seconds if _matches(second, sets, starred))


def _values(text: str, low: int, high: int) -> set[int]:
    values: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = (f"{low}-{high}" if span == "*" else span).partition("-")
        values.update(range(int(first), int(last or first) + 1, int(step or 1)))
    return values


def _matches(second: int, sets: list[set[int]], starred: tuple[bool, bool]) -> bool:
    moment = datetime.fromtimestamp(second, UTC)
    seconds, minutes, hours, days, months, weekdays = sets
    time_of_day = moment.second in seconds and moment.minute in minutes and moment.hour in hours
    if not time_of_day or moment.month not in months:
        return False
    in_days = moment.day in days
    in_weekdays = bool({moment.isoweekday(), moment.isoweekday() % 7} & weekdays)
    return (in_days and in_weekdays) if any(starred) else (in_days or in_weekdays)
