from datetime import timedelta

import pytest

from distributedjob.model.schedule import CronDialect, CronTiming, IntervalFrom, IntervalTiming, OnceTiming
from distributedjob.timing.describe import describe
from distributedjob.timing.words import Language

WORDING = [
    ("* * * * *", "Every minute (UTC)", "每分钟（UTC）"),
    ("*/15 * * * *", "Every 15 minutes (UTC)", "每 15 分钟（UTC）"),
    ("*/7 * * * *", "Every 7 minutes from minute 0 through 56 (UTC)", "第 0 至 56 分钟之间每 7 分钟（UTC）"),
    ("0 * * * *", "Every hour (UTC)", "每小时（UTC）"),
    ("5 * * * *", "At minute 5 of every hour (UTC)", "每小时，第 5 分钟（UTC）"),
    ("0 */2 * * *", "Every 2 hours (UTC)", "每 2 小时（UTC）"),
    ("5 */5 * * *", "Every 5 hours from 00:05 through 20:05 (UTC)", "从 00:05 到 20:05 每 5 小时（UTC）"),
    ("30 2 * * *", "At 02:30, every day (UTC)", "每天，02:30（UTC）"),
    ("15 30 9 * * *", "At 09:30:15, every day (UTC)", "每天，09:30:15（UTC）"),
    ("0 9,18 * * MON-FRI", "At 09:00 and 18:00, on Monday through Friday (UTC)", "周一至周五，09:00、18:00（UTC）"),
    (
        "*/15 9-17 * * 1-5",
        "Every 15 minutes between 09:00 and 17:59, on Monday through Friday (UTC)",
        "周一至周五，09:00 至 17:59 之间，每 15 分钟（UTC）",
    ),
    ("* 9 * * *", "Every minute between 09:00 and 09:59 (UTC)", "09:00 至 09:59 之间，每分钟（UTC）"),
    ("*/15 9,12 * * *", "Every 15 minutes in hours 9 and 12 (UTC)", "9 点、12 点内，每 15 分钟（UTC）"),
    ("*/15 */2 * * *", "Every 15 minutes in every 2nd hour (UTC)", "每 2 小时中的第一个小时内，每 15 分钟（UTC）"),
    (
        "0 22-2 * * FRI-MON",
        "Every hour from 22:00 through 02:00, on Friday through Monday (UTC)",
        "周五至周一，从 22:00 到 02:00 每小时（UTC）",
    ),
    ("0 0 L * *", "At 00:00, on the last day of the month (UTC)", "每月最后一天，00:00（UTC）"),
    (
        "0 0 L-3 * *",
        "At 00:00, on the day 3 days before the last day of the month (UTC)",
        "每月倒数第 4 天，00:00（UTC）",
    ),
    ("0 0 L-1 * *", "At 00:00, on the day before the last day of the month (UTC)", "每月倒数第 2 天，00:00（UTC）"),
    (
        "0 0 LW * *",
        "At 00:00, on the last weekday (Monday to Friday) of the month (UTC)",
        "每月最后一个工作日（周一至周五），00:00（UTC）",
    ),
    (
        "0 0 L-3W * *",
        "At 00:00, on the weekday (Monday to Friday) nearest to the day 3 days before the last day of the month (UTC)",
        "每月离倒数第 4 天最近的工作日（周一至周五），00:00（UTC）",
    ),
    (
        "0 0 15W * *",
        "At 00:00, on the weekday (Monday to Friday) nearest to day 15 of the month (UTC)",
        "每月离 15 日最近的工作日（周一至周五），00:00（UTC）",
    ),
    (
        "0 0 1,15,L * *",
        "At 00:00, on days 1 and 15 of the month and the last day of the month (UTC)",
        "每月 1 日、15 日、最后一天，00:00（UTC）",
    ),
    ("0 12 1 * MON", "At 12:00, on day 1 of the month, and also on Monday (UTC)", "每月 1 日，以及周一，12:00（UTC）"),
    (
        "0 12 1 * +MON",
        "At 12:00, on day 1 of the month, only if that is Monday (UTC)",
        "每月 1 日且须为周一，12:00（UTC）",
    ),
    (
        "0 0 */2 * MON",
        "At 00:00, on every 2nd day of the month from day 1 through 31, only if that is Monday (UTC)",
        "每月 1 至 31 日之间每 2 天且须为周一，00:00（UTC）",
    ),
    ("0 0 * * FRI#3", "At 00:00, on the third Friday of the month (UTC)", "每月第三个周五，00:00（UTC）"),
    ("0 0 * * FRIL", "At 00:00, on the last Friday of the month (UTC)", "每月最后一个周五，00:00（UTC）"),
    ("0 0 * * 7,6", "At 00:00, on Sunday and Saturday (UTC)", "周日、周六，00:00（UTC）"),
    (
        "0 0 * * */2",
        "At 00:00, on Sunday, Tuesday, Thursday and Saturday (UTC)",
        "周日、周二、周四、周六，00:00（UTC）",
    ),
    ("0 0 * * 0-7", "At 00:00, on any day of the week (UTC)", "任意一天，00:00（UTC）"),
    (
        "0 0 1 */3 *",
        "At 00:00, on day 1 of the month, in January, April, July and October (UTC)",
        "1 月、4 月、7 月、10 月，每月 1 日，00:00（UTC）",
    ),
    (
        "0 0 1 6-8 *",
        "At 00:00, on day 1 of the month, from June through August (UTC)",
        "6 月至 8 月，每月 1 日，00:00（UTC）",
    ),
    (
        "0 0 0 1 1 ? 2030",
        "At 00:00, on day 1 of the month, in January in 2030 (UTC)",
        "2030 年，1 月，每月 1 日，00:00（UTC）",
    ),
    (
        "0 0 0 1 * ? 2026-2100/2",
        "At 00:00, on day 1 of the month, every 2 years from 2026 through 2100 (UTC)",
        "从 2026 年到 2100 年每 2 年，每月 1 日，00:00（UTC）",
    ),
    (
        "H H(0-3) * * *",
        "At a minute picked by H (0-59) in an hour picked by H (0-3) (UTC)",
        "由 H 在 0-3 中选定的一个小时内，由 H 在 0-59 中选定的一分钟（UTC）",
    ),
    (
        "H/15 * * * *",
        "Every 15 minutes from a minute picked by H (0-59) (UTC)",
        "从由 H 选定的分钟起每 15 分钟（0-59）（UTC）",
    ),
    (
        "0 0 H * *",
        "At 00:00, on a day picked by H (1-28) of the month (UTC)",
        "每月由 H 在 1 日至 28 日中选定的一天，00:00（UTC）",
    ),
    ("* * * * * *", "Every second (UTC)", "每秒（UTC）"),
    ("*/10 * * * * *", "Every 10 seconds (UTC)", "每 10 秒（UTC）"),
    ("30 * * * * *", "At second 30 of every minute (UTC)", "每分钟，第 30 秒（UTC）"),
    (
        "*/10 */5 9-17 * * *",
        "Every 10 seconds in every 5th minute between 09:00 and 17:59 (UTC)",
        "09:00 至 17:59 之间，每 5 分钟中的第一分钟内，每 10 秒（UTC）",
    ),
    ("@daily", "At 00:00, every day (UTC)", "每天，00:00（UTC）"),
]


@pytest.mark.parametrize(("expression", "english", "_chinese"), WORDING)
def test_an_expression_in_english(expression, english, _chinese):
    assert describe(CronTiming(expression)) == english


@pytest.mark.parametrize(("expression", "_english", "chinese"), WORDING)
def test_an_expression_in_chinese(expression, _english, chinese):
    assert describe(CronTiming(expression), Language.ZH) == chinese


def test_quartz_weekday_numbers_are_described_by_their_names():
    timing = CronTiming("0 30 9 ? * 6L", dialect=CronDialect.QUARTZ)
    assert describe(timing) == "At 09:30, on the last Friday of the month (UTC)"


def test_the_zone_is_named():
    assert describe(CronTiming("0 9 * * *", time_zone="Asia/Shanghai"), Language.ZH) == "每天，09:00（Asia/Shanghai）"


@pytest.mark.parametrize(
    ("timing", "english", "chinese"),
    [
        (
            IntervalTiming(timedelta(seconds=90), 0),
            "Every 1 minute and 30 seconds, counted from 1970-01-01T00:00:00Z",
            "每 1 分钟 30 秒，自 1970-01-01T00:00:00Z 起计算",
        ),
        (
            IntervalTiming(timedelta(hours=1), 0),
            "Every hour, counted from 1970-01-01T00:00:00Z",
            "每 1 小时，自 1970-01-01T00:00:00Z 起计算",
        ),
        (
            IntervalTiming(timedelta(hours=1), 0, IntervalFrom.END),
            "1 hour after the end of the last execution",
            "上次执行结束后 1 小时",
        ),
        (OnceTiming(0), "Once, at 1970-01-01T00:00:00Z", "一次，1970-01-01T00:00:00Z"),
    ],
)
def test_intervals_and_single_instants(timing, english, chinese):
    assert (describe(timing), describe(timing, Language.ZH)) == (english, chinese)
