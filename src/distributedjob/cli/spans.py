"""Spans of time as people write them: 90s, 15m, 12h, 30d."""

import re

from distributedjob.model.errors import Invalid
from distributedjob.model.instant import DAY, HOUR, MINUTE, SECOND

UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}


def find_span(text: str) -> int | None:
    """Microseconds; None for a text of another form."""
    found = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    return None if found is None else int(found[1]) * UNITS[found[2]]


def span_of(text: str, *, option: str) -> int:
    """Microseconds. Raises Invalid naming the option."""
    span = find_span(text)
    if not span:
        raise Invalid.one(option, f"'{text}' is not a span such as 90s, 15m, 12h or 30d")
    return span
