"""What every call says of itself: which execution it belongs to, and one key for all calls of that execution."""

from distributedjob import __version__
from distributedjob.model.instant import to_rfc3339
from distributedjob.targets.templates import RunVariables

USER_AGENT = f"DistributedJob/{__version__}"


def signature_of(run: RunVariables) -> tuple[tuple[str, str], ...]:
    """The scheduler's own headers of one attempt; a target cannot set any of them."""
    return (
        ("Idempotency-Key", run.idempotency_key),
        ("traceparent", _traceparent(run)),
        ("X-DistributedJob-Execution", str(run.execution_id)),
        ("X-DistributedJob-Attempt", str(run.attempt)),
        ("X-DistributedJob-Fire-At", to_rfc3339(run.fire_at)),
        ("X-DistributedJob-Task", str(run.task_id)),
    )


def _traceparent(run: RunVariables) -> str:
    """W3C trace context, version 00: one trace per fire, one span per attempt, sampled."""
    span = ((run.execution_id << 6) ^ run.attempt) & 0xFFFF_FFFF_FFFF_FFFF or 1
    return f"00-{run.idempotency_key[:32]}-{span:016x}-01"
