import pytest

from distributedjob.model.schedule import CronDialect
from distributedjob.timing.cron import parse_cron, split_zone_prefix
from distributedjob.timing.fields import CronError

UNIX, QUARTZ = CronDialect.UNIX, CronDialect.QUARTZ


def values(mask):
    return [value for value in range(mask.bit_length()) if mask >> value & 1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*/20", [0, 20, 40]),
        ("5/20", [5, 25, 45]),
        ("10-20/5", [10, 15, 20]),
        ("1,2,58-1", [0, 1, 2, 58, 59]),
        ("50-10/10", [0, 10, 50]),
        ("7", [7]),
        ("0-59/60", [0]),
    ],
)
def test_a_minute_field_holds_the_values_it_names(text, expected):
    assert values(parse_cron(f"{text} * * * *").minute.mask(0)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", [0]),
        ("7", [0]),
        ("SUN", [0]),
        ("fri-mon", [0, 1, 5, 6]),
        ("5-7", [0, 5, 6]),
        ("0-7", [0, 1, 2, 3, 4, 5, 6]),
        ("7-2", [0, 1, 2]),
        ("*/2", [0, 2, 4, 6]),
        ("MON-FRI/2", [1, 3, 5]),
        ("1/2", [0, 1, 3, 5]),
    ],
)
def test_unix_weekdays_count_from_sunday_zero(text, expected):
    assert values(parse_cron(f"0 0 * * {text}").weekday.mask(0)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", [0]),
        ("7", [6]),
        ("2-6", [1, 2, 3, 4, 5]),
        ("SUN,SAT", [0, 6]),
        ("6-2", [0, 1, 5, 6]),
        ("L", [6]),
        ("2/2", [1, 3, 5]),
    ],
)
def test_quartz_weekdays_count_from_sunday_one(text, expected):
    assert values(parse_cron(f"0 0 0 ? * {text}", dialect=QUARTZ).weekday.mask(0)) == expected


def test_hours_wrap_around_midnight():
    assert values(parse_cron("0 22-2 * * *").hour.mask(0)) == [0, 1, 2, 22, 23]


def test_months_take_names_in_any_case():
    assert values(parse_cron("0 0 1 Jan,jun-AUG *").month.mask(0)) == [1, 6, 7, 8]


def test_a_seventh_field_is_the_year():
    assert values(parse_cron("0 0 0 1 1 * 2026-2030/2").year.mask(0)) == [2026, 2028, 2030]


def test_seconds_are_zero_when_there_are_five_fields():
    assert values(parse_cron("* * * * *").second.mask(0)) == [0]


@pytest.mark.parametrize(
    ("macro", "same"),
    [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@Hourly", "0 * * * *"),
    ],
)
def test_a_macro_means_its_five_fields(macro, same):
    assert parse_cron(macro).fields == parse_cron(same).fields


def test_a_macro_means_the_same_in_the_quartz_dialect():
    assert parse_cron("@weekly", dialect=QUARTZ).weekday.mask(0) == parse_cron("@weekly").weekday.mask(0)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("75 * * * *", "minute field: 75 is out of range, allowed 0-59"),
        ("* 24 * * *", "hour field: 24 is out of range, allowed 0-23"),
        ("* * 0 * *", "day-of-month field: 0 is out of range, allowed 1-31"),
        ("* * * 13 *", "month field: 13 is out of range, allowed 1-12 or JAN-DEC"),
        ("* * * * 8", "day-of-week field: 8 is out of range, allowed 0-7 or SUN-SAT"),
        ("60 * * * * *", "second field: 60 is out of range, allowed 0-59"),
        ("0 0 0 1 1 * 1969", "year field: 1969 is out of range, allowed 1970-2199"),
        ("*/61 * * * *", "minute field: the step 61 is out of range, allowed 1-60"),
        ("*/0 * * * *", "minute field: the step 0 is out of range, allowed 1-60"),
        ("99999999999999999999 * * * *", "minute field: 99999999999999999999 is out of range, allowed 0-59"),
        ("MON * * * *", "minute field: 'MON' is not understood, allowed 0-59, *, a-b, a/n, */n, H"),
        ("/30 * * * *", "write */30 for a step over all values"),
        ("1,,2 * * * *", "minute field: '1,,2' has an empty part; write a list as a,b,c"),
        ("? * * * *", "minute field: '?' is allowed only in the two day fields; write * here"),
        ("* * ?,1 * *", "day-of-month field: '?' stands alone, it cannot be part of a list such as '?,1'"),
        ("* * ?/2 * *", "day-of-month field: '?' takes no step as in '?/2'; write */2"),
        ("0 0 1-15W * *", "W follows a single day, as in 15W"),
        ("0 0 32W * *", "day-of-month field: 32 is out of range, allowed 1-31"),
        ("0 0 L-31 * *", "day-of-month field: L minus a number of days 31 is out of range, allowed 1-30"),
        ("0 0 * * L", "day-of-week field: 'L' needs a weekday; write SATL or 6L for the last Saturday of the month"),
        ("0 0 * * FRI#6", "day-of-week field: the number after '#' 6 is out of range, allowed 1-5"),
        ("0 0 +1 * MON", "'+' is allowed only at the start of the day-of-week field"),
        ("0 0 0 1 1 * 2030-2020", "year field: '2030-2020' runs backwards; write the earlier year first"),
        ("0 0 0 1 1 * H", "year field: 'H' is not allowed, write a year"),
        ("H(30-10) * * * *", "minute field: the range of 'H(30-10)' runs backwards; write the smaller value first"),
        ("* * * *", "the expression has 4 fields; allowed are 5 (minute hour day month weekday)"),
        ("", "the expression has 0 fields"),
        ("* * * * * * * *", "the expression has 8 fields"),
        ("@fortnightly", "'@FORTNIGHTLY' is not understood; allowed are @yearly"),
        ("@daily 0 0 * * *", "allowed are @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly, alone"),
        ("@every 5m", "use an interval schedule"),
        ("@reboot", "'@reboot' has no meaning"),
        ("CRON_TZ=UTC 0 0 * * *", "give it as the schedule's time zone"),
        ("0 10 * * ? *", "an AWS expression has minutes first and the year last"),
        ("0 0 ٣ * *", "the expression holds '٣'; allowed are letters A-Z, digits"),
        ("* " * 200, "the expression has 400 characters, allowed are 255"),
    ],
)
def test_a_wrong_expression_is_refused_with_field_text_and_what_is_allowed(expression, message):
    with pytest.raises(CronError) as refused:
        parse_cron(expression)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "expression",
    [
        "0 0 30 2 *",
        "0 0 31 4,6,9,11 *",
        "0 0 0 29 2 * 2001-2003",
        "0 0 31W 2 *",
        "0 0 L-30 2 *",
        "0 0 30 2 +MON",
        "0 0 8 * +MON#1",
    ],
)
def test_an_expression_that_can_never_fire_is_refused(expression):
    with pytest.raises(CronError, match="never fires"):
        parse_cron(expression)


@pytest.mark.parametrize(
    "expression", ["0 0 29 2 *", "0 0 30 2 MON", "0 0 31 2,3 *", "0 0 29 2 +MON", "0 0 0 29 2 * 2099-2104"]
)
def test_an_expression_that_fires_seldom_is_accepted(expression):
    assert parse_cron(expression)


@pytest.mark.parametrize("weekday", ["2", "1-5", "MON,3", "2#1", "5L", "MON-5"])
def test_a_question_mark_beside_weekday_numbers_is_refused_with_a_hint_at_quartz(weekday):
    with pytest.raises(CronError, match="choose the dialect quartz"):
        parse_cron(f"0 0 ? * {weekday}")


@pytest.mark.parametrize("expression", ["0 0 ? * MON", "0 0 ? * MON#2", "0 0 ? * MON-FRI/2", "0 0 1 * ?", "0 0 ? * *"])
def test_a_question_mark_is_a_star_in_the_unix_dialect(expression):
    starred = parse_cron(expression.replace("?", "*"))
    assert parse_cron(expression).pattern(0).first_from(0) == starred.pattern(0).first_from(0)


@pytest.mark.parametrize("days", ["* * *", "1 * MON", "? * ?", "1 * *"])
def test_quartz_wants_exactly_one_question_mark(days):
    with pytest.raises(CronError, match="needs '\\?' in exactly one"):
        parse_cron(f"0 0 0 {days}", dialect=QUARTZ)


def test_a_plus_is_refused_in_the_quartz_dialect():
    with pytest.raises(CronError, match="'\\+' has no meaning in the quartz dialect"):
        parse_cron("0 0 0 ? * +MON", dialect=QUARTZ)


@pytest.mark.parametrize("prefix", ["CRON_TZ=", "TZ="])
def test_a_zone_prefix_is_split_off(prefix):
    assert split_zone_prefix(f"{prefix}Europe/Berlin 0 3 * * *") == ("Europe/Berlin", "0 3 * * *")


def test_an_expression_without_prefix_stays_whole():
    assert split_zone_prefix("0 3 * * *") == (None, "0 3 * * *")


@pytest.mark.parametrize(
    ("expression", "rhythm"),
    [
        ("* 2 * * *", True),
        ("*/15 2 * * *", True),
        ("30 * * * *", True),
        ("30 */2 * * *", True),
        ("@hourly", True),
        ("0-59 2 * * *", False),
        ("30 0-23 * * *", False),
        ("* 30 2 * * *", False),
        ("H H * * *", False),
    ],
)
def test_only_a_star_in_minute_or_hour_keeps_the_rhythm(expression, rhythm):
    assert parse_cron(expression).keeps_rhythm is rhythm
