"""Executions: what ran and what came of it. Reading is served under two names."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from distributedjob.api.rest.dependencies import Api, Caller
from distributedjob.api.rest.paging import DEFAULT_LIMIT, Cursor, Limit, decode_cursor, encode_cursor
from distributedjob.api.rest.paths import ExecutionId
from distributedjob.api.rest.strict_json import StrictJsonRoute
from distributedjob.api.rest.wire.base import BoundText, Id, Page, Parameters, maybe_bound, to_id
from distributedjob.api.rest.wire.executions import ExecutionShown, RecordShown, StateWord, StatsShown, TriggerWord
from distributedjob.model.errors import Invalid
from distributedjob.model.execution import State, Trigger
from distributedjob.model.instant import HOUR, MILLISECOND
from distributedjob.services import executions
from distributedjob.services.rendering import render_request
from distributedjob.services.stats import get_statistics
from distributedjob.store.history import Filter

executions_router = APIRouter(prefix="/v1/executions", tags=["executions"], route_class=StrictJsonRoute)
records_router = APIRouter(prefix="/v1/records", tags=["records"], route_class=StrictJsonRoute)


class ExecutionQuery(Parameters):
    task_id: Id | None = None
    state: list[StateWord] = Field(default=[], max_length=11, description="may be repeated")
    trigger: TriggerWord | None = None
    since: BoundText | None = Field(
        default=None, alias="from", description="by fire time where the list is of one task, else by time of recording"
    )
    until: BoundText | None = Field(default=None, alias="to", description="exclusive")
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None

    def to_filter(self) -> Filter:
        return Filter(
            task_id=None if self.task_id is None else to_id(self.task_id),
            states=frozenset(State.of(word) for word in self.state),
            trigger=None if self.trigger is None else Trigger[self.trigger.upper()],
            since=maybe_bound(self.since),
            until=maybe_bound(self.until),
        )


class StatsQuery(Parameters):
    task_id: Id | None = None
    since: BoundText | None = Field(default=None, alias="from", description="by default one hour before `to`")
    until: BoundText | None = Field(default=None, alias="to", description="by default now")


@records_router.get("/stats")
async def show_stats(query: Annotated[StatsQuery, Query()], api: Api, caller: Caller) -> StatsShown:
    """Count the executions of a stretch of time by state and trigger, and those that are not finished now."""
    now = api.desk.clock()
    until = maybe_bound(query.until)
    until = now + MILLISECOND if until is None else until
    since = maybe_bound(query.since)
    since = max(0, until - HOUR) if since is None else since
    if since > until:
        raise Invalid.one("from", "lies after to")
    task_id = None if query.task_id is None else to_id(query.task_id)
    found = await api.desk.read(
        lambda tx: get_statistics(tx, principal=caller, since=since, until=until, task_id=task_id)
    )
    return StatsShown.of(found)


@records_router.get("")
@executions_router.get("")
async def list_executions(query: Annotated[ExecutionQuery, Query()], api: Api, caller: Caller) -> Page[ExecutionShown]:
    """List executions, newest first.

    Filters that no index answers look through a bounded part of the history per page; such a page may hold less
    than `limit`, even nothing, and still name a `next_cursor` to go on from.
    """
    wanted = query.to_filter()
    after = decode_cursor(query.cursor, parts=2 if wanted.by_fire_time else 1)
    items, position = await api.desk.read(
        lambda tx: executions.list_executions(tx, wanted, principal=caller, limit=query.limit, after=after)
    )
    return Page(
        items=[ExecutionShown.of(item) for item in items],
        next_cursor=None if position is None else encode_cursor(position),
    )


@records_router.get("/{execution_id:id}")
@executions_router.get("/{execution_id:id}")
async def show_execution(execution_id: ExecutionId, api: Api, caller: Caller) -> RecordShown:
    """Show an execution with its request, its attempts and what each got back."""
    record = await api.desk.read(lambda tx: executions.get_record(tx, to_id(execution_id), principal=caller))
    return RecordShown.of_record(record, rendered=render_request(record, cluster_key=api.desk.cluster_key))
