"""Instants: whole microseconds since 1970-01-01T00:00:00Z, as plain integers.

One representation serves the database (BIGINT), the planner and the heap; datetimes appear only
at the edges, where people read and write RFC 3339.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

Instant = int

MICROSECOND = 1
MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICRO = timedelta(microseconds=1)

MAX_INSTANT: Instant = 253_402_300_799 * SECOND
"""9999-12-31T23:59:59Z, the last second that a datetime can show."""


def from_datetime(moment: datetime) -> Instant:
    """The instant of an aware datetime; a naive one is refused."""
    if moment.tzinfo is None:
        raise ValueError("an instant needs a UTC offset")
    return (moment - EPOCH) // MICRO


def to_datetime(instant: Instant, zone: tzinfo = UTC) -> datetime:
    return (EPOCH + timedelta(microseconds=instant)).astimezone(zone)


def from_rfc3339(text: str) -> Instant:
    """Read `2026-03-29T02:30:00+01:00` or `…Z`; raises ValueError with a sentence for the user."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is not an RFC 3339 date-time such as 2026-03-29T02:30:00Z") from None
    if moment.tzinfo is None:
        raise ValueError(f"'{text}' has no UTC offset; end it with Z or +hh:mm")
    return from_datetime(moment)


@lru_cache(maxsize=4096)
def to_rfc3339(instant: Instant, zone: tzinfo = UTC) -> str:
    """RFC 3339 with offset; `Z` for UTC; fractions only where there are some."""
    text = to_datetime(instant, zone).isoformat()
    return text.removesuffix("+00:00") + "Z" if zone is UTC else text


def micros(duration: timedelta) -> int:
    """A duration as whole microseconds."""
    return duration // MICRO
