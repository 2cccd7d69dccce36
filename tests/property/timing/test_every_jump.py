"""Every IANA zone, every change of its clock from 2000 to 2037, against the walking oracle."""

from datetime import datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from distributedjob.model.instant import SECOND, from_datetime, to_datetime
from distributedjob.model.schedule import CronTiming, GapRule, RepeatRule
from distributedjob.timing.timetable import timetable_of
from distributedjob.timing.zones import jumps_between
from support.clock_oracle import FIRST, LAST, Change, PlainCron, Walk, changes, zones_by_history

SLICES = 16
SAMPLE = 4
"""Entries tried at each change; the next change tries the next ones."""
GROUPS = zones_by_history()
RULES = list(product(GapRule, RepeatRule))
MINUTE = timedelta(minutes=1)


def expressions(change: Change, zone: ZoneInfo) -> list[str]:
    """Entries that meet the change: inside the gap or the repeat, at its edges, across it, and with a date."""
    edge = (change.at - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None) + timedelta(seconds=1)
    inside = edge + change.width / 2
    first, last = sorted((edge, edge + change.width))
    span = f"{first.hour}-{last.hour}" if first.hour <= last.hour else "0-23"
    return [
        f"{inside.minute} {inside.hour} * * *",
        f"{edge.minute} {edge.hour} * * *",
        f"{last.minute} {last.hour} * * *",
        f"0,20,45 {span} * * *",
        f"*/10 {inside.hour} * * *",
        f"{inside.minute} * * * *",
        f"{inside.minute},59 {inside.hour} {inside.day} {inside.month} *",
        f"5-55/25 0-23 * * {(inside.isoweekday()) % 7}",
        f"0-59/7 */2 {inside.day} * {(inside.isoweekday() + 1) % 7}",
        "0 0 * * *",
    ]


def program_fires(timing: CronTiming, start: datetime, end: datetime) -> list[datetime]:
    timetable, fires = timetable_of(timing, seed=0), []
    at = timetable.next_after(from_datetime(start) - 1)
    while at is not None and at < from_datetime(end):
        fires.append(to_datetime(at))
        at = timetable.next_after(at)
    return fires


def program_fires_backwards(timing: CronTiming, start: datetime, end: datetime) -> list[datetime]:
    timetable, fires = timetable_of(timing, seed=0), []
    at = timetable.previous_before(from_datetime(end))
    while at is not None and at >= from_datetime(start):
        fires.append(to_datetime(at))
        at = timetable.previous_before(at)
    return fires[::-1]


def window(change: Change) -> tuple[datetime, datetime]:
    margin = timedelta(minutes=75) + abs(change.width)
    start = (change.at - margin).replace(second=0)
    return start, start + 2 * margin


@pytest.mark.parametrize("part", range(SLICES))
def test_fires_around_every_jump_are_those_of_a_walk_along_the_clock(part):
    for group in GROUPS[part::SLICES]:
        zone = ZoneInfo(group[0])
        for number, change in enumerate(changes(zone)):
            start, end = window(change)
            walk = Walk(zone, start, end, MINUTE)
            entries = expressions(change, zone)
            for turn in range(number, number + SAMPLE):
                expression = entries[turn % len(entries)]
                gap, repeat = RULES[(number + turn) % len(RULES)]
                timing = CronTiming(expression, time_zone=group[0], dst_gap=gap, dst_repeat=repeat)
                expected = walk.fires(PlainCron(expression), gap, repeat)
                assert program_fires(timing, start, end) == expected, (timing, change)
                assert program_fires_backwards(timing, start, end) == expected, (timing, change)


@pytest.mark.parametrize("part", range(4))
def test_fires_by_the_second_around_the_last_jump_of_a_zone_are_those_of_a_walk(part):
    for number, group in enumerate(GROUPS[part::8]):
        zone = ZoneInfo(group[0])
        for change in changes(zone)[-1:]:
            if abs(change.width) > timedelta(hours=1):
                continue
            start, end = change.at - timedelta(minutes=62), change.at + timedelta(minutes=62)
            walk = Walk(zone, start, end, timedelta(seconds=1))
            inside = (change.at - timedelta(seconds=1)).astimezone(zone) + timedelta(seconds=1) + change.width / 2
            gap, repeat = RULES[number % len(RULES)]
            expression = f"7-59/17 {inside.minute} {inside.hour} * * *"
            timing = CronTiming(expression, time_zone=group[0], dst_gap=gap, dst_repeat=repeat)
            assert program_fires(timing, start, end) == walk.fires(PlainCron(expression), gap, repeat), (timing, change)


@pytest.mark.parametrize("part", range(4))
def test_every_zone_has_exactly_the_jumps_that_a_walk_from_day_to_day_finds(part):
    for group in GROUPS[part::4]:
        expected = [(from_datetime(change.at) // SECOND, change.width) for change in changes(ZoneInfo(group[0]))]
        for name in group:
            jumps = jumps_between(name, from_datetime(FIRST) // SECOND, from_datetime(LAST) // SECOND)
            assert [(jump.at, timedelta(seconds=jump.width)) for jump in jumps] == expected, name


def test_all_names_of_the_zone_database_are_covered():
    names = [name for group in GROUPS for name in group]
    assert len(names) == len(set(names)) >= 400
    assert {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"} <= set(names)
