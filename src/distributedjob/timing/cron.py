"""Cron expressions: 5 fields, 6 with seconds first, 7 with the year last; macros; the dialects `unix` and `quartz`.

`parse_cron` accepts or raises `CronError`, nothing else, in time linear in the text. An accepted expression has at
least one date between 1970 and 2199.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from distributedjob.model.schedule import CronDialect
from distributedjob.timing.fields import (
    DAY,
    FIRST_YEAR,
    HOUR,
    LAST_YEAR,
    MINUTE,
    MONTH,
    QUARTZ_WEEKDAY,
    SECOND,
    WEEKDAY,
    YEAR,
    CronError,
    Field,
    bits,
)
from distributedjob.timing.parser import parse_field
from distributedjob.timing.pattern import DayRule, Pattern

MAX_LENGTH = 255

MACROS = {
    "@YEARLY": "0 0 1 1 *",
    "@ANNUALLY": "0 0 1 1 *",
    "@MONTHLY": "0 0 1 * *",
    "@WEEKLY": "0 0 * * 0",
    "@DAILY": "0 0 * * *",
    "@MIDNIGHT": "0 0 * * *",
    "@HOURLY": "0 * * * *",
}

FIELD_COUNTS = "5 (minute hour day month weekday), 6 (seconds first) or 7 (year last)"

_WEEKDAY_NUMBER = re.compile(r"(?:^|[,-])[0-9]")
_ZONE_PREFIX = re.compile(r"\s*(?:CRON_TZ|TZ)=(\S*)\s*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CronExpression:
    """A parsed expression. `year` is None where it was not written; `day_rule` says how the day fields combine."""

    text: str
    dialect: CronDialect
    second: Field
    minute: Field
    hour: Field
    day: Field
    month: Field
    weekday: Field
    year: Field | None
    day_rule: DayRule

    @property
    def fields(self) -> tuple[Field, ...]:
        start = (self.second, self.minute, self.hour, self.day, self.month, self.weekday)
        return (*start, self.year) if self.year else start

    @property
    def hashed(self) -> bool:
        """Whether the expression holds an `H`, so that the seed matters."""
        return any(field.hashed for field in self.fields)

    @property
    def keeps_rhythm(self) -> bool:
        """Whether the clock's jumps leave the rhythm alone: the minute or hour field begins with `*`."""
        return self.minute.starred or self.hour.starred

    def pattern(self, seed: int) -> Pattern:
        """The expression as bit sets, with `H` resolved."""
        return Pattern(
            seconds=self.second.mask(seed),
            minutes=self.minute.mask(seed),
            hours=self.hour.mask(seed),
            days=self.day.mask(seed),
            months=self.month.mask(seed),
            weekdays=self.weekday.mask(seed),
            years=self.year.mask(seed) if self.year else bits(range(FIRST_YEAR, LAST_YEAR + 1)),
            day_items=self.day.items,
            weekday_items=self.weekday.items,
            day_rule=self.day_rule,
        )


@lru_cache(maxsize=4096)
def parse_cron(expression: str, *, dialect: CronDialect = CronDialect.UNIX) -> CronExpression:
    """Parse; raises `CronError`, which names the field, the offending text and what is allowed.

    A zone prefix is refused here: take it off first with `split_zone_prefix`.
    """
    second, minute, hour, day, month, weekday, *year = _words(expression, dialect)
    if weekday.startswith("+") and dialect is CronDialect.QUARTZ:
        raise CronError("day-of-week field: '+' has no meaning in the quartz dialect: one day field is always '?'")
    weekday_kind = QUARTZ_WEEKDAY if dialect is CronDialect.QUARTZ else WEEKDAY
    parsed = CronExpression(
        text=" ".join(expression.split()),
        dialect=dialect,
        second=parse_field(second, SECOND),
        minute=parse_field(minute, MINUTE),
        hour=parse_field(hour, HOUR),
        day=parse_field(day, DAY),
        month=parse_field(month, MONTH),
        weekday=parse_field(weekday.removeprefix("+"), weekday_kind),
        year=parse_field(year[0], YEAR) if year else None,
        day_rule=_day_rule(day, weekday),
    )
    _check_day_fields(parsed)
    if not any(field.hashed for field in (parsed.day, parsed.month, parsed.weekday)):
        ensure_it_can_fire(parsed, pattern=parsed.pattern(0))
    return parsed


def ensure_it_can_fire(expression: CronExpression, *, pattern: Pattern) -> None:
    """Raise `CronError` for a pattern of this expression without any date from 1970 to 2199, such as 30 February."""
    if pattern.first_from(0) is None:
        days = ", ".join(f"{field.kind.name} '{field.text}'" for field in expression.fields[3:])
        raise CronError(f"the expression never fires: no date has {days}")


def split_zone_prefix(expression: str) -> tuple[str | None, str]:
    """`CRON_TZ=Europe/Berlin 0 3 * * *` → (`Europe/Berlin`, `0 3 * * *`); (None, expression) without a prefix."""
    found = _ZONE_PREFIX.match(expression)
    return (found[1], found[2]) if found else (None, expression)


def _words(expression: str, dialect: CronDialect) -> list[str]:
    """The upper-case words of the six or seven fields, macros replaced and seconds added."""
    if len(expression) > MAX_LENGTH:
        raise CronError(f"the expression has {len(expression)} characters, allowed are {MAX_LENGTH}")
    if not expression.isascii():
        wrong = next(letter for letter in expression if not letter.isascii())
        raise CronError(f"the expression holds {wrong!r}; allowed are letters A-Z, digits and * ? , - / # + ( )")
    words = expression.upper().split()
    if words and words[0].startswith("@"):
        words = _macro(words, dialect)
    if words and "TZ=" in words[0]:
        raise CronError(f"'{words[0]}' names a time zone; give it as the schedule's time zone")
    if len(words) == 6 and words[4] == "?":
        raise CronError(
            "month field: '?' is allowed only in the two day fields; an AWS expression has minutes first and the year "
            f"last: write the seconds too, as in 0 {' '.join(words)}"
        )
    if not 5 <= len(words) <= 7:
        raise CronError(f"the expression has {len(words)} fields; allowed are {FIELD_COUNTS}")
    return words if len(words) > 5 else ["0", *words]


def _macro(words: list[str], dialect: CronDialect) -> list[str]:
    macro = words[0]
    if macro == "@EVERY":
        raise CronError("'@every' is not a cron expression here; use an interval schedule")
    if macro == "@REBOOT":
        raise CronError("'@reboot' has no meaning for a scheduler that runs on many machines; use another schedule")
    if macro not in MACROS or len(words) > 1:
        raise CronError(f"'{' '.join(words)}' is not understood; allowed are {', '.join(MACROS).lower()}, alone")
    fields = MACROS[macro].split()
    if dialect is CronDialect.QUARTZ:
        fields[4], fields[2] = ("1", "?") if fields[4] == "0" else ("?", fields[2])
    return fields


def _day_rule(day: str, weekday: str) -> DayRule:
    """Debian cron's rule on the text: a field that begins with `*` is unrestricted; `+` asks for both."""
    starred = day[0] in "*?" or weekday[0] in "*?"
    return DayRule.BOTH if starred or weekday[0] == "+" else DayRule.EITHER


def _check_day_fields(parsed: CronExpression) -> None:
    questions = [field.text for field in (parsed.day, parsed.weekday)].count("?")
    if parsed.dialect is CronDialect.QUARTZ and questions != 1:
        raise CronError(
            "day-of-month and day-of-week fields: the quartz dialect needs '?' in exactly one of them, "
            f"found '{parsed.day.text}' and '{parsed.weekday.text}'"
        )
    if parsed.dialect is CronDialect.UNIX and questions and _WEEKDAY_NUMBER.search(parsed.weekday.text):
        raise CronError(
            f"day-of-week field: '{parsed.weekday.text}' has weekday numbers beside a '?', which Unix and Quartz read "
            "differently (1 is Monday or Sunday); write names such as MON, or choose the dialect quartz"
        )
