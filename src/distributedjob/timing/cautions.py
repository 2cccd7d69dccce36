"""What a person should know before saving a schedule, as sentences for the preview."""

from collections.abc import Iterator

from distributedjob.model.instant import DAY as DAY_MICROS
from distributedjob.model.instant import SECOND as SECOND_MICROS
from distributedjob.model.instant import Instant, to_datetime, to_rfc3339
from distributedjob.model.schedule import CronDialect, CronTiming, IntervalFrom, IntervalTiming, Schedule
from distributedjob.timing.cron import CronExpression, parse_cron
from distributedjob.timing.fields import Every, LastDay
from distributedjob.timing.lanes import RHYTHM, ClockRules
from distributedjob.timing.pattern import DAY_SECONDS, DayRule, Pattern
from distributedjob.timing.sentences import sentence
from distributedjob.timing.words import Language, clock
from distributedjob.timing.zones import END_OF_ALL, Jump, jumps_between, shown_zone

A_YEAR = 366 * DAY_MICROS
FARTHEST = 10 * A_YEAR
MAX_JUMPS = 2
"""Of each kind, so many changes of the clock are told."""
MAX_TIMES = 3
"""So many times of day are named for one change."""


def cautions_of(
    schedule: Schedule, *, after: Instant, fires: tuple[Instant, ...], language: Language = Language.EN
) -> tuple[str, ...]:
    """`fires` are those the preview shows; changes of the clock are told up to the last one, or for a year."""
    timing, found = schedule.timing, []
    zone = shown_zone(timing)
    if not fires:
        found.append(sentence(language, "never", after=to_rfc3339(after)))
    elif fires[0] - after > A_YEAR:
        found.append(sentence(language, "far", at=to_rfc3339(fires[0], zone)))
    if isinstance(timing, CronTiming):
        expression = parse_cron(timing.expression, dialect=timing.dialect)
        until = min(max((after + A_YEAR, *fires)), after + FARTHEST, END_OF_ALL * SECOND_MICROS)
        found += _jump_cautions(expression, timing, schedule.seed, span=(after, until), language=language)
        found += _cron_cautions(expression, language)
    if isinstance(timing, IntervalTiming) and timing.interval_from is IntervalFrom.END:
        found.append(sentence(language, "estimate"))
    if schedule.max_fires is not None:
        found.append(sentence(language, "limit", count=schedule.max_fires))
    if schedule.jitter:
        found.append(sentence(language, "jitter", seconds=schedule.jitter.total_seconds()))
    return tuple(found)


def _cron_cautions(expression: CronExpression, language: Language) -> Iterator[str]:
    day, weekday = expression.day, expression.weekday
    if expression.day_rule is DayRule.EITHER:
        yield sentence(language, "either")
    if expression.dialect is CronDialect.UNIX and "?" in (day.text, weekday.text):
        yield sentence(language, "question")
    first = (day.mask(0) & -day.mask(0)).bit_length() - 1
    if first > 28 and weekday.every and not day.hashed and not any(isinstance(item, LastDay) for item in day.items):
        yield sentence(language, "short_months", day=first)
    for field in (expression.second, expression.minute, expression.hour, day):
        size = field.kind.size if field is not day else 0
        if any(isinstance(item, Every) and item.step > 1 and (not size or size % item.step) for item in field.items):
            yield sentence(language, "uneven", field=field.kind.name, text=field.text)


def _jump_cautions(
    expression: CronExpression, timing: CronTiming, seed: int, *, span: tuple[Instant, Instant], language: Language
) -> Iterator[str]:
    """The next changes of the clock that meet the schedule; entries of every hour just go on, so nothing is told."""
    if expression.hour.starred or span[0] >= span[1]:
        return
    pattern, told = expression.pattern(seed), {"gap": 0, "repeat": 0}
    for jump in jumps_between(timing.time_zone, span[0] // SECOND_MICROS, span[1] // SECOND_MICROS):
        kind = "gap" if jump.width > 0 else "repeat"
        local = sorted((jump.local_before, jump.local_after))
        times = _times(pattern, *local)
        if times and told[kind] < MAX_JUMPS:
            told[kind] += 1
            outcome = _outcome(expression, timing, kind=kind, jump=jump, language=language)
            date = to_datetime(local[0] * SECOND_MICROS).date()
            yield sentence(language, kind, times=times, date=date, zone=timing.time_zone, outcome=outcome)


def _outcome(expression: CronExpression, timing: CronTiming, *, kind: str, jump: Jump, language: Language) -> str:
    rules = RHYTHM if expression.keeps_rhythm else ClockRules(timing.dst_gap, timing.dst_repeat)
    key = f"gap_{rules.gap}" if kind == "gap" else f"repeat_{rules.repeat}"
    before, after = to_datetime(jump.local_before * SECOND_MICROS), to_datetime(jump.local_after * SECOND_MICROS)
    shown = f"{after:%H:%M}" if before.date() == after.date() else f"{after:%Y-%m-%d %H:%M}"
    return sentence(language, key, after=shown, minutes=jump.width // 60)


def _times(pattern: Pattern, start: int, end: int) -> str:
    """The first matching times of day in local seconds [start, end); empty when there is none."""
    found: list[str] = []
    local = pattern.first_from(start)
    while local is not None and local < end:
        if len(found) == MAX_TIMES:
            return f"{', '.join(found)}, …"
        hour, rest = divmod(local % DAY_SECONDS, 3600)
        found.append(clock(hour, rest // 60, rest % 60))
        local = pattern.first_from(local + 1)
    return ", ".join(found)
