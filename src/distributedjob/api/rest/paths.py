"""Ids in paths: a path with anything else in that place is another path, so `/executions/cancel` stays free."""

from typing import Annotated

from fastapi import Path
from starlette.convertors import Convertor, register_url_convertor

from distributedjob.api.rest.wire.base import Id

TaskId = Annotated[Id, Path()]
ScheduleId = Annotated[Id, Path()]
ExecutionId = Annotated[Id, Path()]
TokenId = Annotated[Id, Path()]
StopId = Annotated[Id, Path()]
Name = Annotated[str, Path(min_length=1, max_length=128)]


class _IdConvertor(Convertor[str]):
    regex = "[1-9][0-9]{0,18}"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


# Before any router: a path is compiled when its route is declared.
register_url_convertor("id", _IdConvertor())
