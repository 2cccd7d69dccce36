"""Time zones: names, and the moments at which a zone's clock jumps.

Jumps are found by asking `zoneinfo` for the offset every two days and halving the interval where two answers differ,
in blocks of four years that are kept. Only the public interface is used, so any source of zone data serves. A zone
that jumped to and fro within two days would be missed; since 1970 the shortest such pause is a week.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from distributedjob.model.schedule import CronTiming, Timing
from distributedjob.timing.fields import FIRST_YEAR, LAST_YEAR

BLOCK_YEARS = 4
LAST_BLOCK = (LAST_YEAR - FIRST_YEAR) // BLOCK_YEARS

_DAY = 86_400
_PROBE = 2 * _DAY
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_MACHINE_NAMES = frozenset({"localtime", "Factory"})
"""Names that mean something else on each machine, or nothing."""


class ZoneError(ValueError):
    """No such time zone; the text suggests near ones."""


@dataclass(frozen=True, slots=True)
class Jump:
    """At UTC second `at` the local clock goes from UTC + `before` to UTC + `after` (seconds)."""

    at: int
    before: int
    after: int

    @property
    def width(self) -> int:
        """Seconds that the clock moves; negative when it goes back."""
        return self.after - self.before

    @property
    def local_before(self) -> int:
        """What the clock would show at the jump if it did not jump, in local seconds."""
        return self.at + self.before

    @property
    def local_after(self) -> int:
        """What the clock shows at the jump, in local seconds."""
        return self.at + self.after


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """All IANA names that this installation knows."""
    return frozenset(available_timezones()) - _MACHINE_NAMES


def get_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name; raises `ZoneError`."""
    if name not in zone_names():
        near = get_close_matches(name[:64], zone_names(), n=3, cutoff=0.6)
        hint = f"; did you mean {' or '.join(near)}?" if near else ", such as UTC or Europe/Berlin"
        raise ZoneError(f"'{name[:64]}' is not a time zone; allowed are IANA names{hint}")
    return ZoneInfo(name)


def shown_zone(timing: Timing) -> tzinfo:
    """The zone in which people read a schedule's fires; raises `ZoneError`."""
    if not isinstance(timing, CronTiming) or timing.time_zone == "UTC":
        return UTC
    return get_zone(timing.time_zone)


def block_of(second: int) -> int:
    """The block that holds a UTC second, at the ends the nearest one."""
    day = min(max(second, 0), END_OF_ALL - 1) // _DAY
    return (date.fromordinal(day + _EPOCH_ORDINAL).year - FIRST_YEAR) // BLOCK_YEARS


def block_bounds(block: int) -> tuple[int, int]:
    """Start and end (exclusive) of a block in UTC seconds."""
    return _block_start(block), _block_start(block + 1)


def offset_at(zone: ZoneInfo, second: int) -> int:
    """Seconds that local time is ahead of UTC at a UTC second."""
    offset = datetime.fromtimestamp(second, zone).utcoffset()
    assert offset is not None
    return offset.days * _DAY + offset.seconds


def jumps_between(name: str, start: int, end: int) -> tuple[Jump, ...]:
    """The jumps of a zone in [start, end), in order; raises `ZoneError`."""
    zone = get_zone(name)
    found = []
    before = offset_at(zone, start - 1)
    for left in range(start - 1, end - 1, _PROBE):
        right = min(left + _PROBE, end - 1)
        after = offset_at(zone, right)
        if before != after:
            found.append(_bisect(zone, left, right))
        before = after
    return tuple(found)


def _bisect(zone: ZoneInfo, left: int, right: int) -> Jump:
    before, after = offset_at(zone, left), offset_at(zone, right)
    while right - left > 1:
        middle = (left + right) // 2
        if offset_at(zone, middle) == before:
            left = middle
        else:
            right = middle
    return Jump(right, before, after)


def _block_start(block: int) -> int:
    return (date(FIRST_YEAR + BLOCK_YEARS * block, 1, 1).toordinal() - _EPOCH_ORDINAL) * _DAY


END_OF_ALL = _block_start(LAST_BLOCK + 1)
"""The UTC second at which the last block ends: no search goes there."""
