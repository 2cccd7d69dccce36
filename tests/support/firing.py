"""Fires as people read them, for the tests of time."""

from itertools import islice

from distributedjob.model.instant import from_rfc3339, to_rfc3339
from distributedjob.model.schedule import CronTiming
from distributedjob.timing.timetable import timetable_of
from distributedjob.timing.zones import shown_zone


def fires(expression, *, after, count=1, zone="UTC", seed=0, **rules):
    """The next fires as RFC 3339 in the zone of the entry."""
    timing = CronTiming(expression, time_zone=zone, **rules)
    return list(islice(_forwards(timing, from_rfc3339(after), seed), count))


def fires_until(expression, *, after, until, zone="UTC", seed=0, **rules):
    """All fires after the one instant and before the other."""
    timing = CronTiming(expression, time_zone=zone, **rules)
    end = from_rfc3339(until)
    return list(_until(_forwards(timing, from_rfc3339(after), seed), end))


def _forwards(timing, at, seed):
    timetable = timetable_of(timing, seed=seed)
    while (at := timetable.next_after(at)) is not None:
        yield to_rfc3339(at, shown_zone(timing))


def _until(texts, end):
    for text in texts:
        if from_rfc3339(text) >= end:
            return
        yield text


def dates(expression, *, after, count=1, **rules):
    """The dates of the next fires."""
    return [text[:10] for text in fires(expression, after=after, count=count, **rules)]
