"""Schedules in Chinese."""

from collections.abc import Iterable, Sequence
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

WEEKDAYS = ("周日", "周一", "周二", "周三", "周四", "周五", "周六")
NTH = ("", "一", "二", "三", "四", "五")
DURATIONS = {"day": "天", "hour": "小时", "minute": "分钟", "second": "秒", "microsecond": "微秒"}
UNITS = {"second": "秒", "minute": "分钟", "hour": "小时", "day-of-month": "日"}
ONE_OF = {"second": "一秒", "minute": "一分钟", "hour": "一个小时"}
WORKDAY = "工作日（周一至周五）"


class Chinese:
    def sentence(self, *, year: str, month: str, day: str, within: Sequence[str], time: str, zone: str) -> str:
        parts = (year, month, day, *reversed(within), time)
        return "，".join(part for part in parts if part) + f"（{zone}）"

    def clock_times(self, times: Sequence[str]) -> str:
        return _list(times)

    def every_hours(self, step: int) -> str:
        return _every(step, "hour")

    def hourly(self, step: int, first: str, last: str) -> str:
        return f"从 {first} 到 {last} {_every(step, 'hour')}"

    def at(self, kind: FieldKind, items: Sequence[Item]) -> str:
        return _list([_at(item, kind) for item in runs(items)])

    def within(self, kind: FieldKind, items: Sequence[Item]) -> str:
        return _list([_within(item, kind) for item in runs(items)])

    def every_day(self) -> str:
        return "每天"

    def days(self, items: Sequence[Item]) -> str:
        return "每月" + _list([_days(item) for item in runs(items)])

    def weekdays(self, items: Sequence[Item]) -> str:
        return _weekdays(items)

    def either(self, days: Sequence[Item], weekdays: Sequence[Item]) -> str:
        return f"{self.days(days)}，以及{_weekdays(weekdays)}"

    def both(self, days: Sequence[Item], weekdays: Sequence[Item]) -> str:
        return f"{self.days(days)}且须为{_weekdays(weekdays)}"

    def months(self, items: Sequence[Item]) -> str:
        return _list([_named(item, MONTH, "月") for item in runs(items)])

    def years(self, items: Sequence[Item]) -> str:
        return _list([_named(item, YEAR, "年") for item in runs(items)])

    def interval(self, every: timedelta, anchor: str) -> str:
        return f"每 {_duration(every)}，自 {anchor} 起计算"

    def interval_after_end(self, every: timedelta) -> str:
        return f"上次执行结束后 {_duration(every)}"

    def once(self, at: str) -> str:
        return f"一次，{at}"


def _list(parts: Iterable[str]) -> str:
    return "、".join(parts)


def _every(step: int, unit: str) -> str:
    return f"每{DURATIONS[unit]}" if step == 1 else f"每 {step} {DURATIONS[unit]}"


def _duration(every: timedelta) -> str:
    return " ".join(f"{count} {DURATIONS[unit]}" for count, unit in units_of(every))


def _at(item: Item | tuple[int, ...], kind: FieldKind) -> str:
    match item:
        case tuple():
            return f"第 {_list(map(str, item))} {UNITS[kind.name]}"
        case Every(step=step) if kind.size % step == 0:
            return _every(step, kind.name)
        case Hashed(step=None):
            return _picked(item, kind)
        case _:
            return _stepped(item, kind)


def _within(item: Item | tuple[int, ...], kind: FieldKind) -> str:
    match item:
        case (hour,) if kind is HOUR:
            return f"{clock(hour)} 至 {clock(hour, 59)} 之间"
        case tuple() if kind is HOUR:
            return _list(f"{hour} 点" for hour in item) + "内"
        case tuple():
            return f"第 {_list(map(str, item))} {UNITS[kind.name]}内"
        case Every(step=1):
            return _every(1, kind.name)
        case Every(step=step) if kind.size % step == 0:
            return f"{_every(step, kind.name)}中的第{ONE_OF[kind.name]}内"
        case Span(first=first, last=last, step=1):
            if kind is HOUR:
                return f"{clock(first)} 至 {clock(last, 59)} 之间"
            return f"第 {first} 至 {last} {UNITS[kind.name]}内"
        case Hashed(step=None):
            return f"{_picked(item, kind)}内"
        case _:
            return f"{_stepped(item, kind)}中的第{ONE_OF[kind.name]}内"


def _days(item: Item | tuple[int, ...]) -> str:
    match item:
        case tuple():
            return _list(f" {day} 日" for day in item).replace("、 ", "、")
        case Every(step=1):
            return "每一天"
        case Span(first=first, last=last, step=1):
            return f" {first} 日至 {last} 日"
        case Hashed(first=first, last=last, step=None):
            return f"由 H 在 {first} 日至 {last} 日中选定的一天"
        case LastDay(before=before, nearest_weekday=False):
            return _before_last(before)
        case LastDay(before=0):
            return f"最后一个{WORKDAY}"
        case LastDay(before=before):
            return f"离{_before_last(before)}最近的{WORKDAY}"
        case NearestWeekday(day=day):
            return f"离 {day} 日最近的{WORKDAY}"
        case _:
            return _stepped(item, DAY)


def _before_last(before: int) -> str:
    return f"倒数第 {before + 1} 天" if before else "最后一天"


def _weekdays(items: Sequence[Item]) -> str:
    parts: list[str] = []
    for item in items:
        match item:
            case Span(step=1) if len(span_values(item, WEEKDAY)) >= WEEKDAY.size:
                parts.append("任意一天")
            case Span(first=first, last=last, step=1) if last != first:
                parts.append(f"{WEEKDAYS[first % 7]}至{WEEKDAYS[last % 7]}")
            case NthWeekday(weekday=weekday, nth=nth):
                parts.append(f"每月第{NTH[nth]}个{WEEKDAYS[weekday]}")
            case LastWeekday(weekday=weekday):
                parts.append(f"每月最后一个{WEEKDAYS[weekday]}")
            case Hashed(first=first, last=last, step=None):
                parts.append(f"每周由 H 在{WEEKDAYS[first % 7]}至{WEEKDAYS[last % 7]}中选定的一天")
            case Hashed(first=first, last=last, step=step):
                parts.append(f"每周从由 H 选定的一天起每 {step} 天（{WEEKDAYS[first % 7]}至{WEEKDAYS[last % 7]}）")
            case _:
                parts += [WEEKDAYS[weekday] for weekday in dict.fromkeys(item_values(item, WEEKDAY, seed=0))]
    return _list(parts)


def _named(item: Item | tuple[int, ...], kind: FieldKind, unit: str) -> str:
    match item:
        case tuple():
            return _list(f"{value} {unit}" for value in item)
        case Span(first=first, last=last, step=1):
            return f"{first} {unit}至 {last} {unit}"
        case Hashed(first=first, last=last, step=None):
            return f"由 H 在 {first}-{last} {unit}中选定的一个{unit}"
        case Hashed(first=first, last=last, step=step):
            return f"从由 H 选定的{unit}起每 {step} 个{unit}（{first}-{last} {unit}）"
        case _:
            values = tuple(item_values(item, kind, seed=0))
            if len(values) <= 6:
                return _list(f"{value} {unit}" for value in values)
            counted = f"每 {values[1] - values[0]} {unit}" if kind is YEAR else f"每 {values[1] - values[0]} 个{unit}"
            return f"从 {values[0]} {unit}到 {values[-1]} {unit}{counted}"


def _picked(item: Hashed, kind: FieldKind) -> str:
    return f"由 H 在 {item.first}-{item.last} 中选定的{ONE_OF[kind.name]}"


def _stepped(item: Item, kind: FieldKind) -> str:
    """What does not come round evenly: from where to where, and how often."""
    unit = UNITS[kind.name]
    often = "每 {} 天" if kind is DAY else f"每 {{}} {unit}"
    lead = " " if kind is DAY else "第 "
    match item:
        case Every(step=step):
            values = tuple(item_values(item, kind, seed=0))
            return f"{lead}{values[0]} 至 {values[-1]} {unit}之间{often.format(step)}"
        case Span(step=step):
            first, last = span_ends(item, kind)
            return f"{lead}{first} 至 {last} {unit}之间{often.format(step) if step > 1 else _every(1, kind.name)}"
        case Hashed(first=first, last=last, step=step):
            return f"从由 H 选定的{unit}起{often.format(step)}（{first}-{last}）"
        case _:
            raise AssertionError(f"{item} has no step")
