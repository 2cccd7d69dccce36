"""A timing in words, English or Chinese: the one description that CLI, API and screens show.

`H` is described by its range, since a description is made before a schedule has its seed.
"""

from collections.abc import Sequence
from datetime import UTC
from itertools import product

from distributedjob.model.instant import to_rfc3339
from distributedjob.model.schedule import CronTiming, IntervalFrom, IntervalTiming, OnceTiming, Timing
from distributedjob.timing.cron import CronExpression, parse_cron
from distributedjob.timing.fields import HOUR, MINUTE, SECOND, Every, Field, Span, Value, item_values
from distributedjob.timing.pattern import DayRule
from distributedjob.timing.words import Language, Words, clock
from distributedjob.timing.words_en import English
from distributedjob.timing.words_zh import Chinese

MAX_CLOCK_TIMES = 6
"""Up to so many times of day are listed; beyond, the fields are described one by one."""


def describe(timing: Timing, language: Language = Language.EN) -> str:
    """One sentence without a final stop; raises `CronError`."""
    words = words_of(language)
    match timing:
        case CronTiming():
            expression = parse_cron(timing.expression, dialect=timing.dialect)
            return _cron(expression, timing.time_zone, words)
        case IntervalTiming(every=every, interval_from=IntervalFrom.END):
            return words.interval_after_end(every)
        case IntervalTiming(every=every, anchor_at=anchor_at):
            return words.interval(every, to_rfc3339(anchor_at, UTC))
        case OnceTiming(at=at):
            return words.once(to_rfc3339(at, UTC))


def words_of(language: Language) -> Words:
    match language:
        case Language.EN:
            return English()
        case Language.ZH:
            return Chinese()


def _cron(expression: CronExpression, zone: str, words: Words) -> str:
    time, within = _time(expression, words)
    day = _day(expression, words)
    month = "" if expression.month.every else words.months(expression.month.items)
    if not day and not month and _clock_times(expression):
        day = words.every_day()
    year = "" if expression.year is None or expression.year.every else words.years(expression.year.items)
    return words.sentence(year=year, month=month, day=day, within=within, time=time, zone=zone)


def _time(expression: CronExpression, words: Words) -> tuple[str, list[str]]:
    """When in the day, and what bounds it: the finest field that says more than one value gives the rhythm."""
    second, minute, hour = expression.second, expression.minute, expression.hour
    if times := _clock_times(expression):
        return words.clock_times(times), []
    if _only(second) == 0:
        return _hourly(minute, hour, words) or (words.at(MINUTE, minute.items), _within((hour,), words))
    listed = all(isinstance(item, Value) for item in second.items)
    bounds = (minute, hour) if listed or not minute.every else (hour,)
    return words.at(SECOND, second.items), _within(bounds, words)


def _within(fields: Sequence[Field], words: Words) -> list[str]:
    return [words.within(field.kind, field.items) for field in fields if not field.every or field.kind is MINUTE]


def _hourly(minute: Field, hour: Field, words: Words) -> tuple[str, list[str]] | None:
    """`5 9-17` and the like: one minute of hours that follow each other evenly."""
    at = _only(minute)
    if at is None or len(hour.items) > 1:
        return None
    match hour.items[0]:
        case Every(step=1):
            if at == 0:
                return words.every_hours(1), []
            return words.at(MINUTE, minute.items), [words.within(HOUR, hour.items)]
        case Every(step=step) if at == 0 and HOUR.size % step == 0:
            return words.every_hours(step), []
        case Every(step=step) | Span(step=step) as item:
            hours = tuple(item_values(item, HOUR, seed=0))
            return words.hourly(step, clock(hours[0], at), clock(hours[-1], at)), []
        case _:
            return None


def _clock_times(expression: CronExpression) -> list[str]:
    """The times of day where few single values make them; none otherwise."""
    seconds, minutes, hours = (_values(field) for field in (expression.second, expression.minute, expression.hour))
    if not 1 <= len(seconds) * len(minutes) * len(hours) <= MAX_CLOCK_TIMES:
        return []
    return [clock(*time) for time in sorted(product(hours, minutes, seconds))]


def _values(field: Field) -> list[int]:
    """The values of a field of single values; none for any other field."""
    values = [item.value for item in field.items if isinstance(item, Value)]
    return values if len(values) == len(field.items) else []


def _only(field: Field) -> int | None:
    values = _values(field)
    return values[0] if len(values) == 1 else None


def _day(expression: CronExpression, words: Words) -> str:
    day, weekday = expression.day, expression.weekday
    if day.every and weekday.every:
        return ""
    if weekday.every:
        return words.days(day.items)
    if day.every:
        return words.weekdays(weekday.items)
    if expression.day_rule is DayRule.EITHER:
        return words.either(day.items, weekday.items)
    return words.both(day.items, weekday.items)
