"""What is wrong with a definition, all of it at once, named by field; nothing that passes here fails when it fires."""

from collections.abc import Iterator

from distributedjob.model.errors import FieldError, Invalid
from distributedjob.model.instant import SECOND, Instant, micros, to_rfc3339
from distributedjob.model.schedule import CronTiming, OnceTiming, Schedule
from distributedjob.model.target import Target
from distributedjob.model.task import TaskDefinition
from distributedjob.services.drafts import TaskDraft
from distributedjob.targets.egress import EgressPolicy
from distributedjob.targets.validate import validate_target
from distributedjob.timing.cron import parse_cron
from distributedjob.timing.fields import CronError
from distributedjob.timing.timetable import next_fire
from distributedjob.timing.zones import ZoneError, get_zone


def check_draft(draft: TaskDraft, *, before: TaskDefinition | None, egress: EgressPolicy) -> None:
    """Raises Invalid with every fault that does not depend on the time of asking.

    What is as it was in `before` passes: a target that is denied by now must not keep its task from being paused.
    """
    definition = draft.definition
    faults: list[FieldError] = []
    if before is None or definition.target != before.target:
        faults += _target("target", definition.target, egress)
    if definition.fallback is not None and (before is None or definition.fallback != before.fallback):
        faults += _target("fallback", definition.fallback, egress)
    known = set() if before is None else {schedule.timing for schedule in before.schedules}
    for place, schedule in enumerate(draft.schedules):
        if schedule.wanted.timing not in known:
            faults += timing_faults(f"schedules[{place}]", schedule.wanted)
        faults += window_faults(f"schedules[{place}]", schedule.wanted)
    refuse(faults)


def check_future(definition: TaskDefinition, *, before: TaskDefinition | None, now: Instant) -> None:
    """Raises Invalid for schedules without a fire to come. Those that are as in `before` may have run out."""
    known = {} if before is None else {schedule.id: schedule for schedule in before.schedules}
    refuse(
        [
            fault
            for place, schedule in enumerate(definition.schedules)
            if fires_differently(schedule, known.get(schedule.id))
            for fault in _future(f"schedules[{place}]", schedule, definition, now)
        ]
    )


def fires_differently(schedule: Schedule, before: Schedule | None) -> bool:
    """Whether a schedule is new or its fires are others than before."""
    if before is None:
        return True
    return (schedule.timing, schedule.start_at, schedule.end_at) != (before.timing, before.start_at, before.end_at)


def timing_faults(path: str, schedule: Schedule) -> Iterator[FieldError]:
    timing = schedule.timing
    if isinstance(timing, CronTiming):
        try:
            parse_cron(timing.expression, dialect=timing.dialect)
        except CronError as error:
            yield FieldError(f"{path}.expression", str(error), "cron_invalid")
        try:
            get_zone(timing.time_zone)
        except ZoneError as error:
            yield FieldError(f"{path}.time_zone", str(error), "time_zone_unknown")


def window_faults(path: str, schedule: Schedule) -> Iterator[FieldError]:
    if schedule.start_at is not None and schedule.end_at is not None and schedule.end_at <= schedule.start_at:
        yield FieldError(f"{path}.end_at", "is not after start_at, so the window is empty", "window_empty")


def refuse(faults: list[FieldError]) -> None:
    """Raises Invalid if there are any."""
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise Invalid(f"{faults[0].field}: {faults[0].message}{more}", errors=tuple(faults))


def _target(path: str, target: Target, egress: EgressPolicy) -> list[FieldError]:
    faults = validate_target(target, egress=egress)
    return [FieldError(f"{path}.{_by_name(fault.field, target)}", fault.message, fault.code) for fault in faults]


def _by_name(field: str, target: Target) -> str:
    """`headers[2].value` → `headers.X-Name`: people write headers and query parameters by name."""
    for part, pairs in (("headers", target.headers), ("query", target.query)):
        if field.startswith(f"{part}["):
            place = int(field[len(part) + 1 : field.index("]")])
            return f"{part}.{pairs[place][0]}"
    return field


def _future(path: str, schedule: Schedule, definition: TaskDefinition, now: Instant) -> Iterator[FieldError]:
    """A new or changed schedule has to have a fire to come."""
    if schedule.end_at is not None and schedule.end_at <= now:
        yield FieldError(f"{path}.end_at", f"{to_rfc3339(schedule.end_at)} is past; the window is over", "window_past")
        return
    if not isinstance(schedule.timing, OnceTiming):
        if next_fire(schedule, now) is None:
            field = "expression" if isinstance(schedule.timing, CronTiming) else "every_seconds"
            yield FieldError(f"{path}.{field}", "never fires inside the window of start_at and end_at", "never_fires")
        return
    grace = micros((schedule.misfire or definition.policies.misfire).grace)
    if schedule.timing.at < now - grace:
        message = f"is past by more than the misfire grace of {grace / SECOND:g} s, so it would never fire"
        yield FieldError(f"{path}.at", message, "once_past")
    elif not _inside_window(schedule, schedule.timing.at):
        yield FieldError(f"{path}.at", "lies outside the window of start_at and end_at", "never_fires")


def _inside_window(schedule: Schedule, at: Instant) -> bool:
    return (schedule.start_at is None or schedule.start_at <= at) and (schedule.end_at is None or at < schedule.end_at)
