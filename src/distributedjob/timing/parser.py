"""From the text of one cron field to its items. Every fault is a `CronError` that a user can act on."""

import re

from distributedjob.timing.fields import (
    DAY,
    QUARTZ_WEEKDAY,
    WEEKDAY,
    YEAR,
    CronError,
    Every,
    Field,
    FieldKind,
    Hashed,
    Item,
    LastDay,
    LastWeekday,
    NearestWeekday,
    NthWeekday,
    Span,
    Value,
)

_WORD = r"[0-9]+|[A-Z]{3}"
_PLAIN = re.compile(rf"(?P<first>{_WORD})(?:-(?P<last>{_WORD}))?(?:/(?P<step>[0-9]+))?")
_STAR = re.compile(r"(?P<sign>[*?])(?:/(?P<step>[0-9]+))?")
_HASHED = re.compile(rf"H(?:\((?P<first>{_WORD})-(?P<last>{_WORD})\))?(?:/(?P<step>[0-9]+))?")
_LAST_DAY = re.compile(r"L(?:-(?P<before>[0-9]+))?(?P<nearest>W?)")
_NEAREST = re.compile(r"(?P<day>[0-9]+)W")
_NTH = re.compile(r"(?P<weekday>[0-9]|[A-Z]{3})#(?P<nth>[0-9]+|L)")
_LAST_WEEKDAY = re.compile(r"(?P<weekday>[0-9]|[A-Z]{3})L")


def parse_field(text: str, kind: FieldKind) -> Field:
    """`text` is upper case and without the leading `+` of a day-of-week field."""
    parts = text.split(",")
    if "" in parts:
        raise CronError(f"{kind.name} field: '{text}' has an empty part; write a list as a,b,c")
    items = tuple(_item(part, kind) for part in parts)
    if len(items) > 1 and any(isinstance(item, Every) and item.question for item in items):
        raise CronError(f"{kind.name} field: '?' stands alone, it cannot be part of a list such as '{text}'")
    return Field(kind, text, items)


def _item(text: str, kind: FieldKind) -> Item:
    if found := _STAR.fullmatch(text):
        return _star(found, text, kind)
    if found := _HASHED.fullmatch(text):
        return _hashed(found, text, kind)
    if found := _PLAIN.fullmatch(text):
        return _plain(found, text, kind)
    if kind is DAY and (found := _LAST_DAY.fullmatch(text)):
        before = _bounded(found["before"], "L minus a number of days", 1, 30, kind) if found["before"] else 0
        return LastDay(before, nearest_weekday=bool(found["nearest"]))
    if kind is DAY and (found := _NEAREST.fullmatch(text)):
        return NearestWeekday(_number(found["day"], text, kind))
    if _is_weekday(kind):
        return _weekday(text, kind)
    raise _not_understood(text, kind)


def _star(found: re.Match[str], text: str, kind: FieldKind) -> Every:
    if found["sign"] == "*":
        return Every(_step(found["step"], kind))
    if kind is not DAY and not _is_weekday(kind):
        raise CronError(f"{kind.name} field: '?' is allowed only in the two day fields; write * here")
    if found["step"]:
        raise CronError(f"{kind.name} field: '?' takes no step as in '{text}'; write */{found['step']}")
    return Every(question=True)


def _plain(found: re.Match[str], text: str, kind: FieldKind) -> Item:
    first = _number(found["first"], text, kind)
    step = _step(found["step"], kind)
    if found["last"] is not None:
        last = _number(found["last"], text, kind)
        if kind is YEAR and last < first:
            raise CronError(f"year field: '{text}' runs backwards; write the earlier year first")
        return Span(first, last, step)
    if found["step"] is not None:
        return Span(first, kind.last - _offset(kind), step, open_ended=True)
    return Value(first % 7 if _is_weekday(kind) else first)


def _hashed(found: re.Match[str], text: str, kind: FieldKind) -> Hashed:
    if kind is YEAR:
        raise CronError("year field: 'H' is not allowed, write a year")
    step = _step(found["step"], kind) if found["step"] else None
    if found["first"] is None:
        return Hashed(kind.first - _offset(kind), kind.hash_last - _offset(kind), step)
    first, last = _number(found["first"], text, kind), _number(found["last"], text, kind)
    if last < first:
        raise CronError(f"{kind.name} field: the range of '{text}' runs backwards; write the smaller value first")
    return Hashed(first, last, step)


def _weekday(text: str, kind: FieldKind) -> Item:
    if text == "L":
        if kind is QUARTZ_WEEKDAY:
            return Value(6)
        raise CronError("day-of-week field: 'L' needs a weekday; write SATL or 6L for the last Saturday of the month")
    if found := _NTH.fullmatch(text):
        weekday = _number(found["weekday"], text, kind) % 7
        if found["nth"] == "L":
            return LastWeekday(weekday)
        return NthWeekday(weekday, _bounded(found["nth"], "the number after '#'", 1, 5, kind))
    if found := _LAST_WEEKDAY.fullmatch(text):
        return LastWeekday(_number(found["weekday"], text, kind) % 7)
    raise _not_understood(text, kind)


def _number(word: str, text: str, kind: FieldKind) -> int:
    """A number or a name, checked against what the field allows; Quartz weekdays are moved to 0-6."""
    if not word.isdigit():
        if word not in kind.names:
            raise _not_understood(text, kind)
        return kind.names[word] - _offset(kind)
    if len(word) > 4 or not kind.first <= int(word) <= kind.last:
        raise CronError(f"{kind.name} field: {word} is out of range, allowed {kind.allowed}")
    return int(word) - _offset(kind)


def _step(word: str | None, kind: FieldKind) -> int:
    return 1 if word is None else _bounded(word, "the step", 1, kind.size, kind)


def _bounded(word: str, what: str, first: int, last: int, kind: FieldKind) -> int:
    if len(word) > 4 or not first <= int(word) <= last:
        raise CronError(f"{kind.name} field: {what} {word} is out of range, allowed {first}-{last}")
    return int(word)


def _is_weekday(kind: FieldKind) -> bool:
    return kind.name == WEEKDAY.name


def _offset(kind: FieldKind) -> int:
    return 1 if kind is QUARTZ_WEEKDAY else 0


def _not_understood(text: str, kind: FieldKind) -> CronError:
    allowed = kind.allowed + _forms(kind) + _hint(text)
    return CronError(f"{kind.name} field: '{text}' is not understood, allowed {allowed}")


def _forms(kind: FieldKind) -> str:
    if kind is DAY:
        return ", *, ?, a-b, a/n, */n, L, L-n, LW, L-nW, nW, H"
    if _is_weekday(kind):
        return ", *, ?, a-b, a/n, */n, FRIL, FRI#n, H"
    if kind is YEAR:
        return ", *, a-b, a/n, */n"
    return ", *, a-b, a/n, */n, H"


def _hint(text: str) -> str:
    if text.startswith("/"):
        return f"; write *{text} for a step over all values"
    if text.startswith("+"):
        return "; '+' is allowed only at the start of the day-of-week field"
    if re.fullmatch(r"[0-9]+-[0-9]+W", text):
        return "; W follows a single day, as in 15W"
    return ""
