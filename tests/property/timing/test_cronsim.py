"""Agreement with cronsim, an independent implementation of Debian cron, on what both understand."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from distributedjob.model.instant import from_datetime, to_datetime
from distributedjob.model.schedule import CronTiming
from distributedjob.timing.fields import CronError
from distributedjob.timing.timetable import timetable_of

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Santiago",
    "Asia/Kolkata",
)
INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)


def items(lowest, highest, *, names=()):
    number = st.integers(lowest, highest).map(str)
    value = st.one_of(number, st.sampled_from(names)) if names else number
    # cronsim reads 5-5/2 as 5/2, so the ends of a range differ
    ordered = st.lists(st.integers(lowest, highest), min_size=2, max_size=2, unique=True).map(sorted)
    span = ordered.map(lambda ends: f"{ends[0]}-{ends[1]}")
    step = st.integers(1, max(2, (highest - lowest) // 2)).map(str)
    stepped = st.one_of(st.just("*"), span, number).flatmap(lambda body: step.map(lambda every: f"{body}/{every}"))
    return st.one_of(st.just("*"), value, span, stepped)


def field(lowest, highest, *, names=(), alone=()):
    plain = st.lists(items(lowest, highest, names=names), min_size=1, max_size=3).map(",".join)
    return st.one_of(plain, st.sampled_from(alone)) if alone else plain


MONTHS = ("JAN", "FEB", "JUN", "DEC")
WEEKDAYS = ("SUN", "MON", "FRI", "SAT")
FIVE_FIELDS = st.tuples(
    field(0, 59),
    field(0, 23),
    field(1, 31, alone=("L", "LW")),
    field(1, 12, names=MONTHS),
    field(0, 7, names=WEEKDAYS, alone=("5L", "1#1", "MON#5", "0#2")),
).map(" ".join)
FIXED_NIGHT_TIMES = st.tuples(field(0, 59), field(0, 4)).map(lambda words: f"{words[0]} {words[1]} * * *")


def ours(expression, zone, start, count):
    timetable, at = timetable_of(CronTiming(expression, time_zone=zone), seed=0), from_datetime(start)
    for _ in range(count):
        at = timetable.next_after(at)
        if at is None:
            return
        yield to_datetime(at)


def theirs(expression, zone, start, count):
    for fire in islice(CronSim(expression, start.astimezone(ZoneInfo(zone))), count):
        yield fire.astimezone(UTC)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(expression=FIVE_FIELDS, zone=st.sampled_from(ZONES), start=INSTANTS)
def test_fires_agree_with_cronsim(expression, zone, start):
    try:
        expected = list(theirs(expression, zone, start, 8))
    except CronSimError:
        assume(False)
    assume(expected)
    assert list(ours(expression, zone, start, 8)) == expected


@settings(max_examples=300, deadline=None, derandomize=True)
@given(expression=FIXED_NIGHT_TIMES, zone=st.sampled_from(ZONES[1:]), day=st.integers(0, 5000))
def test_fires_of_the_night_agree_with_cronsim_day_by_day(expression, zone, day):
    start = datetime(2015, 1, 1, tzinfo=UTC) + timedelta(days=day)
    assert list(ours(expression, zone, start, 12)) == list(theirs(expression, zone, start, 12))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(expression=FIVE_FIELDS)
def test_what_cronsim_accepts_and_finds_is_accepted(expression):
    try:
        found = next(CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC)), None)
    except CronSimError:
        found = None
    assume(found)
    try:
        timetable_of(CronTiming(expression), seed=0)
    except CronError as error:
        raise AssertionError(f"{expression}: {error}") from error
