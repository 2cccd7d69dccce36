"""Policies in JSON. Durations are seconds; what is left out takes the product's default."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from distributedjob.api.rest.wire.base import Whole, Wire
from distributedjob.model.policies import (
    Delivery,
    MisfireMode,
    MisfirePolicy,
    Overlap,
    Policies,
    RetryPolicy,
    RetryVerdict,
)

DAY = 86_400
Duration = Annotated[float, Field(ge=0.001, le=30 * DAY, allow_inf_nan=False)]
RetryKey = Annotated[str, Field(pattern=r"^([1-5][0-9]{2}|[1-5]xx|not_sent|unclear|rejected)$")]


def seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()


def duration(value: float | None) -> timedelta | None:
    return None if value is None else timedelta(seconds=value)


class RetryIn(Wire):
    """Full jitter over `base_seconds` × 2ⁿ, up to `cap_seconds`. `table` overrides what is retried."""

    max_attempts: Whole = Field(default=3, ge=1, le=100)
    base_seconds: float = Field(default=2.0, ge=0, le=DAY, allow_inf_nan=False)
    cap_seconds: float = Field(default=300.0, ge=0, le=DAY, allow_inf_nan=False)
    table: dict[RetryKey, Literal["retry", "fail"]] = Field(default={}, max_length=100)

    def to_model(self) -> RetryPolicy:
        return RetryPolicy(
            max_attempts=self.max_attempts,
            base=timedelta(seconds=self.base_seconds),
            cap=timedelta(seconds=self.cap_seconds),
            table={key: RetryVerdict(verdict) for key, verdict in self.table.items()},
        )

    @classmethod
    def of(cls, policy: RetryPolicy) -> "RetryIn":
        return cls(
            max_attempts=policy.max_attempts,
            base_seconds=policy.base.total_seconds(),
            cap_seconds=policy.cap.total_seconds(),
            table={key: verdict.value for key, verdict in policy.table.items()},
        )


class MisfireFields(Wire):
    """A misfire rule, spread over flat fields so that `misfire` is one word. None: as if it were not there."""

    misfire: Literal["latest", "skip", "all"] | None = None
    misfire_grace_seconds: float | None = Field(default=None, ge=0, le=DAY, allow_inf_nan=False)
    misfire_max_age_seconds: Duration | None = None
    catchup_max_fires: Whole | None = Field(default=None, ge=1, le=1_000_000)
    catchup_window_seconds: float | None = Field(default=None, ge=1, le=7 * DAY, allow_inf_nan=False)

    def misfire_over(self, base: MisfirePolicy) -> MisfirePolicy | None:
        """`base` with what is given here; None when nothing is."""
        given = {
            "mode": None if self.misfire is None else MisfireMode(self.misfire),
            "grace": duration(self.misfire_grace_seconds),
            "max_fires": self.catchup_max_fires,
            "catchup_window": duration(self.catchup_window_seconds),
            "max_age": duration(self.misfire_max_age_seconds),
        }
        changes = {name: value for name, value in given.items() if value is not None}
        return replace(base, **changes) if changes else None  # type: ignore[arg-type]


def misfire_fields(policy: MisfirePolicy | None) -> dict[str, object]:
    """The flat fields of a misfire rule."""
    if policy is None:
        return {}
    return {
        "misfire": policy.mode.value,
        "misfire_grace_seconds": policy.grace.total_seconds(),
        "misfire_max_age_seconds": seconds(policy.max_age),
        "catchup_max_fires": policy.max_fires,
        "catchup_window_seconds": policy.catchup_window.total_seconds(),
    }


class PoliciesIn(MisfireFields):
    delivery: Literal["at_least_once", "at_most_once"] = "at_least_once"
    overlap: Literal["allow", "skip", "wait", "replace"] = "allow"
    max_parallel: Whole | None = Field(default=None, ge=1, le=10_000)
    retry: RetryIn = RetryIn()
    connect_timeout_seconds: float = Field(default=5.0, ge=0.001, le=300, allow_inf_nan=False)
    timeout_seconds: float = Field(default=60.0, ge=0.001, le=DAY, allow_inf_nan=False)
    execution_timeout_seconds: Annotated[float, Field(ge=0.001, le=7 * DAY, allow_inf_nan=False)] | None = None
    deadline_seconds: float = Field(default=3600.0, ge=1, le=30 * DAY, allow_inf_nan=False)
    max_age_seconds: Duration | None = None
    priority: Whole = Field(default=5, ge=0, le=9, description="0 is served first, 9 last")

    def to_model(self) -> Policies:
        return Policies(
            delivery=Delivery(self.delivery),
            overlap=Overlap(self.overlap),
            max_parallel=self.max_parallel,
            misfire=self.misfire_over(MisfirePolicy()) or MisfirePolicy(),
            retry=self.retry.to_model(),
            connect_timeout=timedelta(seconds=self.connect_timeout_seconds),
            timeout=timedelta(seconds=self.timeout_seconds),
            execution_timeout=duration(self.execution_timeout_seconds),
            deadline=timedelta(seconds=self.deadline_seconds),
            max_age=duration(self.max_age_seconds),
            priority=self.priority,
        )

    @classmethod
    def of(cls, policies: Policies) -> "PoliciesIn":
        return cls.model_validate(
            {
                **misfire_fields(policies.misfire),
                "delivery": policies.delivery.value,
                "overlap": policies.overlap.value,
                "max_parallel": policies.max_parallel,
                "retry": RetryIn.of(policies.retry),
                "connect_timeout_seconds": policies.connect_timeout.total_seconds(),
                "timeout_seconds": policies.timeout.total_seconds(),
                "execution_timeout_seconds": seconds(policies.execution_timeout),
                "deadline_seconds": policies.deadline.total_seconds(),
                "max_age_seconds": seconds(policies.max_age),
                "priority": policies.priority,
            }
        )
