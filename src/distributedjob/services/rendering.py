"""The request of an execution as it was, or would be, put on the wire: for people who look at it, nothing is sent."""

from dataclasses import dataclass
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from distributedjob.model.execution import State
from distributedjob.model.identity import idempotency_key
from distributedjob.model.outcome import NotSent
from distributedjob.model.schedule import CronTiming
from distributedjob.model.task import TaskDefinition
from distributedjob.services.executions import Record
from distributedjob.targets.render import compile_target
from distributedjob.targets.request import Request
from distributedjob.targets.signature import USER_AGENT, signature_of
from distributedjob.targets.templates import RunVariables


@dataclass(frozen=True, slots=True)
class Rendered:
    """`problem` says why there is no request: a template asks for what this run does not have."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    problem: str | None = None


def render_request(record: Record, *, cluster_key: bytes) -> Rendered | None:
    """The request of the last attempt, or of the first one to come.

    None when the revision is gone, and when the execution ended before a first attempt.
    """
    definition, row = record.definition, record.row
    if definition is None or (row.attempt == 0 and State(row.state).terminal):
        return None
    attempt = max(1, row.attempt)
    key = idempotency_key(cluster_key, row.source_id, row.fire_at)
    falls_back = definition.fallback is not None and attempt > definition.policies.retry.max_attempts
    target = definition.fallback if falls_back and definition.fallback else definition.target
    variables = RunVariables(
        task_id=row.task_id,
        task_name=definition.name,
        execution_id=row.id,
        attempt=attempt,
        fire_at=row.fire_at,
        zone=_zone(definition, row.source_id),
        idempotency_key=f"{key}-fallback" if falls_back else key,
        params={**definition.parameters, **record.parameters},
    )
    request = compile_target(target).request(variables, headers=signature_of(variables))
    if isinstance(request, NotSent):
        return Rendered(target.method.value, target.url, (), b"", request.message)
    return _rendered(request)


def _rendered(request: Request) -> Rendered:
    origin = request.plan.origin
    agent = b"" if request.plan.brings_agent else f"User-Agent: {USER_AGENT}\r\n".encode()
    _, *lines = (request.head + agent + request.appended).decode("utf-8", "replace").split("\r\n")
    headers = [(name, value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon]
    return Rendered(
        method=request.plan.method.value,
        url=f"{origin.scheme}://{origin.host_header}{request.path}",
        headers=tuple(headers),
        body=request.body,
    )


def _zone(definition: TaskDefinition, source_id: int) -> tzinfo:
    for schedule in definition.schedules:
        if schedule.id == source_id and isinstance(schedule.timing, CronTiming):
            return ZoneInfo(schedule.timing.time_zone)
    return UTC
