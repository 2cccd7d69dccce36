"""Reads the sink's log back as calls."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from rig.facts import Call, Ending

_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def read_calls(log: Path) -> tuple[Call, ...]:
    """All calls in order of arrival; raises ValueError for a line that the sink cannot have written."""
    calls: dict[int, Call] = {}
    for line in log.read_text("latin-1").splitlines():
        kind, number, at, *rest = line.split("\t")
        if kind == "A":
            calls[int(number)] = _call(int(number), int(at), rest)
        else:
            how, status = rest
            calls[int(number)] = replace(
                calls[int(number)], ended_at=int(at), ending=Ending(how), status=int(status) if status else None
            )
    return tuple(sorted(calls.values(), key=lambda call: call.number))


def _call(number: int, arrived_at: int, fields: list[str]) -> Call:
    connection, position, method, path, behaviour, task, execution, attempt, fire_at, key = fields
    return Call(
        number=number,
        arrived_at=arrived_at,
        connection=int(connection),
        position=int(position),
        method=method,
        path=path,
        behaviour=behaviour,
        task_id=int(task or 0),
        execution_id=int(execution or 0),
        attempt=int(attempt or 0),
        fire_at=_instant(fire_at),
        key=key,
    )


def _instant(text: str) -> int:
    """Microseconds of an RFC 3339 date-time; 0 where the header was missing."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1) if text else 0
