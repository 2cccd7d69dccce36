"""The wording of the preview's warnings, by language. Keys are the faults of `cautions` and the clock rules."""

from collections.abc import Mapping

from distributedjob.model.schedule import GapRule, RepeatRule
from distributedjob.timing.words import Language

ENGLISH: Mapping[str, str] = {
    "never": "the schedule has no fire after {after}",
    "far": "the first fire is more than a year away: {at}",
    "gap": "fires at {times} local time do not exist on {date} ({zone}): {outcome}",
    f"gap_{GapRule.RUN_AT_TRANSITION}": "one fire runs at {after}, when the clock has jumped",
    f"gap_{GapRule.SHIFT_BY_GAP}": "moved by {minutes} minutes",
    f"gap_{GapRule.SKIP}": "left out",
    "repeat": "fires at {times} local time occur twice on {date} ({zone}): {outcome}",
    f"repeat_{RepeatRule.FIRST}": "only the first counts",
    f"repeat_{RepeatRule.SECOND}": "only the second counts",
    f"repeat_{RepeatRule.BOTH}": "both count",
    "either": "both day fields are restricted: it fires when either matches; begin the weekdays with + to ask for both",
    "question": "'?' is read as '*'",
    "short_months": "months without day {day} have no fire; L stands for the last day of the month",
    "uneven": "{field} field: '{text}' starts again with its first value, so the last pause is shorter",
    "limit": "the schedule ends after {count} executions; skipped and missed fires do not count",
    "jitter": "each fire may start up to {seconds:g} s later than shown (jitter)",
    "estimate": "fires depend on when executions end; shown as if executions took no time",
}

CHINESE: Mapping[str, str] = {
    "never": "{after} 之后没有触发",
    "far": "首次触发在一年以后：{at}",
    "gap": "{date} 不存在当地时间 {times} 的触发（{zone}）：{outcome}",
    f"gap_{GapRule.RUN_AT_TRANSITION}": "在时钟跳变后的 {after} 触发一次",
    f"gap_{GapRule.SHIFT_BY_GAP}": "顺延 {minutes} 分钟",
    f"gap_{GapRule.SKIP}": "不触发",
    "repeat": "{date} 当地时间 {times} 的触发出现两次（{zone}）：{outcome}",
    f"repeat_{RepeatRule.FIRST}": "只计第一次",
    f"repeat_{RepeatRule.SECOND}": "只计第二次",
    f"repeat_{RepeatRule.BOTH}": "两次都计",
    "either": "两个日期字段都有限制：任一匹配即触发；如需同时满足，请在星期字段前加 +",
    "question": "“?” 等同于 “*”",
    "short_months": "没有 {day} 日的月份不会触发；L 表示当月最后一天",
    "uneven": "{field} 字段：“{text}” 每轮从首个值重新开始，因此最后一次间隔较短",
    "limit": "执行 {count} 次后结束；跳过和错过的触发不计",
    "jitter": "每次触发可能比所示时间晚至多 {seconds:g} 秒（抖动）",
    "estimate": "触发取决于执行何时结束；此处按执行不耗时显示",
}


def sentence(language: Language, key: str, **values: object) -> str:
    """One warning; raises KeyError for a key that has no wording."""
    match language:
        case Language.EN:
            return ENGLISH[key].format(**values)
        case Language.ZH:
            return CHINESE[key].format(**values)
