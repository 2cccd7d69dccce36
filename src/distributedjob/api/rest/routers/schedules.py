"""Schedules before they are saved."""

from fastapi import APIRouter

from distributedjob.api.rest.dependencies import Api, Caller
from distributedjob.api.rest.strict_json import StrictJsonRoute
from distributedjob.api.rest.wire.base import to_instant
from distributedjob.api.rest.wire.previews import PreviewIn, PreviewShown
from distributedjob.model.policies import MisfirePolicy
from distributedjob.services.previews import preview_schedule
from distributedjob.timing.words import Language

router = APIRouter(prefix="/v1/schedules", tags=["schedules"], route_class=StrictJsonRoute)


@router.post("/preview")
async def preview(body: PreviewIn, api: Api, caller: Caller) -> PreviewShown:
    """Show the next fires of a schedule, in its zone and in UTC, with what is odd about them, and say it in words."""
    draft = body.schedule.draft(misfire=MisfirePolicy(), path="schedule")
    after = None if body.after is None else to_instant(body.after)
    language = Language(body.language)
    found = await api.desk.read(
        lambda tx: preview_schedule(tx, draft, principal=caller, after=after, count=body.count, language=language)
    )
    return PreviewShown.of(found)
