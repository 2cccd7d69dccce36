"""What is asked of executions, in JSON."""

from typing import Literal

from pydantic import Field, JsonValue

from distributedjob.api.rest.wire.base import BoundText, Id, Shown, Wire
from distributedjob.api.rest.wire.executions import EndedWord, LiveWord


class RunIn(Wire):
    parameters: dict[str, JsonValue] = Field(default={}, max_length=1000)


class RerunIn(Wire):
    revision: Literal["same", "current"] = "same"


class ResolveIn(Wire):
    """What became of an execution whose answer was lost, as somebody found out."""

    resolution: Literal["succeeded", "failed"]
    note: str = Field(default="", max_length=1000)


class CancelIn(Wire):
    """Unfinished executions, newest first; all of them if nothing is given."""

    task_id: Id | None = None
    states: list[LiveWord] = Field(default=[], max_length=3)
    before: BoundText | None = Field(default=None, description="only those recorded before this instant")


class CancelShown(Shown):
    """`asked`: these were running and are being stopped. `more`: ask again."""

    cancelled: int
    asked: int
    more: bool


class PurgeIn(Wire):
    """Ended executions recorded before an instant."""

    before: BoundText
    task_id: Id | None = None
    states: list[EndedWord] = Field(default=[], max_length=8)


class PurgeShown(Shown):
    purged: int
    more: bool
