"""No input makes parsing or searching run away, and nothing but `CronError` comes out of the parser.

Work is counted in executed lines of Python, not in time, so the tests say the same on every machine.
"""

import sys
from contextlib import contextmanager

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from distributedjob.model.instant import SECOND, from_rfc3339
from distributedjob.model.schedule import CronDialect, CronTiming, GapRule, RepeatRule, Schedule
from distributedjob.timing.cron import parse_cron
from distributedjob.timing.describe import describe
from distributedjob.timing.fields import CronError
from distributedjob.timing.preview import preview
from distributedjob.timing.timetable import timetable_of
from distributedjob.timing.words import Language

MAX_LINES = 300_000
NOW = from_rfc3339("2026-01-01T00:00:00Z")

WRITTEN = (
    "* ? L LW W H H(0-5) # / - , + 0 1 2 5 7 15 29 30 31 59 99 2026 2199 MON FRI SUN JAN FEB FRIL MON#5 15W L-3W */7"
)
TOKENS = st.sampled_from(WRITTEN.split())
WORDS = st.lists(TOKENS, min_size=1, max_size=4).map("".join)
EXPRESSIONS = st.one_of(
    st.lists(WORDS, min_size=4, max_size=8).map(" ".join),
    st.lists(TOKENS, min_size=5, max_size=7).map(" ".join),
    st.text(max_size=40),
    st.text(alphabet="*?LWH#/-,+()@0123456789 \tMONFRIJAN", max_size=60),
)


class TooMuchWork(BaseException):
    """Not an Exception: no handler of the program can swallow it."""


@contextmanager
def bounded(lines=MAX_LINES):
    left = lines

    def count(frame, event, _arg):
        nonlocal left
        left -= event == "line"
        if left < 0:
            raise TooMuchWork
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        yield
    finally:
        sys.settrace(before)


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(text=EXPRESSIONS, dialect=st.sampled_from(CronDialect))
@example(text="ſUN * * * *", dialect=CronDialect.UNIX)
@example(text="0 0 0 29 2 ? 2099", dialect=CronDialect.UNIX)
@example(text="0 0 31 2 *", dialect=CronDialect.UNIX)
@example(text="1" * 255, dialect=CronDialect.UNIX)
@example(text="*/99999999999 * * * *", dialect=CronDialect.UNIX)
@example(text=",".join(["*"] * 100) + " * * * *", dialect=CronDialect.UNIX)
def test_any_text_is_parsed_and_searched_in_bounded_work_or_refused(text, dialect):
    timing = CronTiming(text, dialect=dialect, time_zone="Europe/Berlin", dst_gap=GapRule.SHIFT_BY_GAP)
    with bounded():
        try:
            parse_cron.__wrapped__(text, dialect=dialect)
            timetable = timetable_of(timing, seed=11)
        except CronError:
            return
        following = timetable.next_after(NOW)
        timetable.previous_before(NOW)
        if following is not None:
            assert following > NOW
            assert timetable.previous_before(following + 1) == following


@settings(max_examples=300, deadline=None, derandomize=True)
@given(text=EXPRESSIONS, language=st.sampled_from(Language), seed=st.integers(0, 2**63 - 1))
def test_whatever_is_accepted_can_be_previewed_and_described(text, language, seed):
    timing = CronTiming(text, time_zone="America/New_York", dst_repeat=RepeatRule.SECOND)
    with bounded():
        try:
            seen = preview(Schedule(1, timing, seed=seed), after=NOW, count=3, language=language)
        except CronError:
            return
    assert seen.description == describe(timing, language)


@pytest.mark.parametrize(
    "expression",
    [
        "0 0 0 29 2 ? 2099",
        "0 0 0 29 2 ? 2096",
        "0 0 29 2 +MON",
        "0 0 L-30 * *",
        "0 0 0 1 1 * */230",
        "59 59 23 31 12 ? 2199",
        "30 2 L 3 +SUN",
        "0 0 * 2 MON#5",
    ],
)
@pytest.mark.parametrize("gap", GapRule)
def test_a_rare_fire_is_found_or_missed_in_bounded_work(expression, gap):
    with bounded():
        try:
            timetable = timetable_of(CronTiming(expression, time_zone="Europe/Berlin", dst_gap=gap), seed=0)
        except CronError:
            return
        assert timetable.next_after(NOW) != NOW


def test_a_fire_that_every_year_falls_into_a_skipped_gap_ends_in_bounded_work():
    timing = CronTiming("30 2 25-31 3 +SUN", time_zone="Europe/Berlin", dst_gap=GapRule.SKIP)
    with bounded(lines=3_000_000):
        assert timetable_of(timing, seed=0).next_after(NOW) is None


PATTERNS = st.sampled_from(
    [
        "*/7 * * * *",
        "30 2 * * *",
        "0 0 L * *",
        "15 1-3 1,15 * *",
        "0 12 * * FRI#2",
        "7 7 7 * * *",
        "0 3 29 2 *",
        "0-59/9 2 * * *",
    ]
)
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia"]
)
SECONDS = st.integers(from_rfc3339("2000-01-01T00:00:00Z") // SECOND, from_rfc3339("2060-01-01T00:00:00Z") // SECOND)


@settings(max_examples=600, deadline=None, derandomize=True)
@given(PATTERNS, ZONES, SECONDS, st.sampled_from(GapRule), st.sampled_from(RepeatRule))
def test_the_fire_before_the_next_fire_is_the_last_one_until_now(expression, zone, second, gap, repeat):
    timetable = timetable_of(CronTiming(expression, time_zone=zone, dst_gap=gap, dst_repeat=repeat), seed=0)
    now = second * SECOND
    following = timetable.next_after(now)
    assert following is not None
    assert following > now
    assert timetable.previous_before(following) == timetable.previous_before(now + 1)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(PATTERNS, ZONES, SECONDS, st.lists(SECONDS, max_size=4))
def test_answers_do_not_depend_on_what_was_asked_before(expression, zone, second, earlier):
    timing = CronTiming(expression, time_zone=zone)
    asked = timetable_of(timing, seed=0)
    for other in earlier:
        asked.next_after(other * SECOND)
        asked.previous_before(other * SECOND)
    fresh = timetable_of.__globals__["_seedless_timetable"].__wrapped__(timing)
    assert asked.next_after(second * SECOND) == fresh.next_after(second * SECOND)
