"""Levers in JSON."""

from typing import Annotated, Literal

from pydantic import Field

from distributedjob.api.rest.wire.base import Shown, ShownInstant, Whole, Wire, shown_instant
from distributedjob.services.levers import Lever


class LeverIn(Wire):
    value: Whole | Annotated[str, Field(max_length=64)]


class LeverShown(Shown):
    """`changed_by` and `changed_at` are null while the lever is not set: then the `default` holds, this node's own."""

    name: Literal["catchup_rate", "min_version"]
    value: int | str | None
    default: int | str | None
    changed_by: str | None
    changed_at: ShownInstant | None

    @classmethod
    def of(cls, lever: Lever) -> "LeverShown":
        return cls(
            name=lever.name.value,
            value=lever.value,
            default=lever.default,
            changed_by=lever.changed_by,
            changed_at=shown_instant(lever.changed_at),
        )
