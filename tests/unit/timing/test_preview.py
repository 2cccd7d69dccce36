from datetime import timedelta

import pytest

from distributedjob.model.instant import from_rfc3339
from distributedjob.model.schedule import (
    CronTiming,
    GapRule,
    IntervalFrom,
    IntervalTiming,
    OnceTiming,
    RepeatRule,
    Schedule,
)
from distributedjob.timing.fields import CronError
from distributedjob.timing.preview import FireFlag, preview
from distributedjob.timing.words import Language

BERLIN = {"time_zone": "Europe/Berlin"}


def look(timing, *, after="2026-03-28T12:00:00Z", count=3, language=Language.EN, **fields):
    return preview(Schedule(1, timing, seed=7, **fields), after=from_rfc3339(after), count=count, language=language)


def texts(seen):
    return [fire.local_text for fire in seen.fires]


def flags(seen):
    return [fire.flags for fire in seen.fires]


def test_fires_are_shown_in_the_zone_of_the_schedule():
    assert texts(look(CronTiming("0 9 * * *", **BERLIN), count=2)) == [
        "2026-03-29T09:00:00+02:00",
        "2026-03-30T09:00:00+02:00",
    ]


def test_fires_carry_their_instant():
    assert look(CronTiming("0 9 * * *"), count=1).fires[0].at == from_rfc3339("2026-03-29T09:00:00Z")


def test_a_fire_moved_out_of_a_gap_is_flagged():
    assert flags(look(CronTiming("30 2 * * *", **BERLIN), count=2)) == [(FireFlag.DST_GAP,), ()]


def test_a_fire_at_a_repeated_time_is_flagged():
    seen = look(CronTiming("30 2 * * *", **BERLIN), after="2026-10-24T12:00:00Z", count=2)
    assert flags(seen) == [(FireFlag.DST_REPEAT,), ()]


def test_fires_that_meet_at_the_transition_are_one_flagged_fire():
    seen = look(CronTiming("0 2,3 * * *", **BERLIN), count=2)
    assert [(fire.local_text, fire.flags) for fire in seen.fires] == [
        ("2026-03-29T03:00:00+02:00", (FireFlag.DST_GAP,)),
        ("2026-03-30T02:00:00+02:00", ()),
    ]


def test_a_schedule_with_jitter_flags_its_fires():
    assert flags(look(OnceTiming(from_rfc3339("2027-01-01T00:00:00Z")), jitter=timedelta(seconds=9))) == [
        (FireFlag.JITTER,)
    ]


def test_an_interval_from_the_end_is_estimated():
    seen = look(IntervalTiming(timedelta(minutes=5), from_rfc3339("2026-03-28T13:00:00Z"), IntervalFrom.END), count=2)
    assert [(fire.local_text, fire.flags) for fire in seen.fires] == [
        ("2026-03-28T13:00:00Z", (FireFlag.ESTIMATE,)),
        ("2026-03-28T13:05:00Z", (FireFlag.ESTIMATE,)),
    ]


def test_the_window_bounds_the_fires():
    seen = look(
        CronTiming("0 * * * *"),
        start_at=from_rfc3339("2026-04-01T10:00:00Z"),
        end_at=from_rfc3339("2026-04-01T12:00:00Z"),
        count=9,
    )
    assert texts(seen) == ["2026-04-01T10:00:00Z", "2026-04-01T11:00:00Z"]


def test_no_more_fires_are_shown_than_there_will_be_executions():
    assert len(look(CronTiming("0 * * * *"), max_fires=2, count=9).fires) == 2


def test_a_count_of_zero_shows_nothing():
    assert look(CronTiming("0 * * * *"), count=0).fires == ()


def test_the_description_comes_in_the_language_asked():
    assert look(CronTiming("0 * * * *"), language=Language.ZH).description == "每小时（UTC）"


@pytest.mark.parametrize(
    ("gap", "outcome"),
    [
        (GapRule.RUN_AT_TRANSITION, "one fire runs at 03:00, when the clock has jumped"),
        (GapRule.SHIFT_BY_GAP, "moved by 60 minutes"),
        (GapRule.SKIP, "left out"),
    ],
)
def test_a_gap_ahead_is_told_with_its_outcome(gap, outcome):
    seen = look(CronTiming("30 2 * * *", dst_gap=gap, **BERLIN))
    assert f"fires at 02:30 local time do not exist on 2026-03-29 (Europe/Berlin): {outcome}" in seen.warnings


@pytest.mark.parametrize(
    ("repeat", "outcome"),
    [
        (RepeatRule.FIRST, "only the first counts"),
        (RepeatRule.SECOND, "only the second counts"),
        (RepeatRule.BOTH, "both count"),
    ],
)
def test_a_repeat_ahead_is_told_with_its_outcome(repeat, outcome):
    seen = look(CronTiming("30 2 * * *", dst_repeat=repeat, **BERLIN))
    assert f"fires at 02:30 local time occur twice on 2026-10-25 (Europe/Berlin): {outcome}" in seen.warnings


def test_a_gap_of_a_day_is_told_with_the_date_it_leads_to():
    seen = look(CronTiming("0 12 * * *", time_zone="Pacific/Apia"), after="2011-12-29T00:00:00Z")
    assert (
        "fires at 12:00 local time do not exist on 2011-12-30 (Pacific/Apia): "
        "one fire runs at 2011-12-31 00:00, when the clock has jumped"
    ) in seen.warnings


def test_an_entry_that_keeps_its_rhythm_is_told_that_the_hour_is_missing():
    seen = look(CronTiming("*/20 2 * * *", **BERLIN))
    assert (
        "fires at 02:00, 02:20, 02:40 local time do not exist on 2026-03-29 (Europe/Berlin): left out" in seen.warnings
    )


def test_an_entry_of_every_hour_has_nothing_to_tell():
    assert look(CronTiming("*/20 * * * *", **BERLIN)).warnings == ()


@pytest.mark.parametrize(
    ("timing", "warning"),
    [
        (CronTiming("0 0 0 1 1 * 2099"), "the first fire is more than a year away: 2099-01-01T00:00:00Z"),
        (CronTiming("0 0 0 1 1 * 2020"), "the schedule has no fire after 2026-03-28T12:00:00Z"),
        (OnceTiming(0), "the schedule has no fire after 2026-03-28T12:00:00Z"),
        (
            CronTiming("0 0 1 * MON"),
            "both day fields are restricted: it fires when either matches; begin the weekdays with + to ask for both",
        ),
        (CronTiming("0 0 ? * MON"), "'?' is read as '*'"),
        (CronTiming("0 0 31 * *"), "months without day 31 have no fire; L stands for the last day of the month"),
        (
            CronTiming("*/7 * * * *"),
            "minute field: '*/7' starts again with its first value, so the last pause is shorter",
        ),
        (
            CronTiming("0 0 */2 * *"),
            "day-of-month field: '*/2' starts again with its first value, so the last pause is shorter",
        ),
    ],
)
def test_what_one_should_know_is_told(timing, warning):
    assert warning in look(timing).warnings


@pytest.mark.parametrize("expression", ["0 0 31,L * *", "*/15 * * * *", "0 0 1 * *", "0 0 1 * +MON"])
def test_a_plain_expression_has_nothing_to_tell(expression):
    assert look(CronTiming(expression)).warnings == ()


def test_the_limit_is_told():
    assert (
        "the schedule ends after 5 executions; skipped and missed fires do not count"
        in look(CronTiming("0 0 * * *"), max_fires=5).warnings
    )


def test_jitter_is_told():
    assert (
        "each fire may start up to 1.5 s later than shown (jitter)"
        in look(CronTiming("0 0 * * *"), jitter=timedelta(seconds=1.5)).warnings
    )


def test_warnings_come_in_chinese_too():
    seen = look(CronTiming("30 2 * * *", **BERLIN), language=Language.ZH)
    assert "2026-03-29 不存在当地时间 02:30 的触发（Europe/Berlin）：在时钟跳变后的 03:00 触发一次" in seen.warnings


def test_both_languages_word_the_same_warnings():
    from distributedjob.timing.sentences import CHINESE, ENGLISH

    assert CHINESE.keys() == ENGLISH.keys()


def test_a_wrong_expression_is_refused():
    with pytest.raises(CronError, match="minute field: 75"):
        look(CronTiming("75 * * * *"))


@pytest.mark.parametrize("after", ["1970-01-01T00:00:00Z", "2199-12-31T23:59:59Z", "9999-12-31T23:59:59Z"])
def test_a_preview_can_start_at_the_ends_of_time(after):
    assert look(CronTiming("30 2 * * *", time_zone="Pacific/Kiritimati"), after=after).description
