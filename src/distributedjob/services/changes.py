"""What can be done to a definition, as functions from the present one to a draft of the next."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from distributedjob.model.errors import NotFound
from distributedjob.model.task import Revision, TaskDefinition
from distributedjob.services.drafts import NEW, ScheduleDraft, TaskDraft, draft_of

Change = Callable[[TaskDefinition], TaskDraft]


def enabling(definition: TaskDefinition) -> TaskDraft:
    """The change that resumes a task."""
    return draft_of(replace(definition, enabled=True))


def disabling(definition: TaskDefinition) -> TaskDraft:
    """The change that pauses a task."""
    return draft_of(replace(definition, enabled=False))


@dataclass(frozen=True, slots=True)
class ScheduleSwitch:
    """The change that pauses or resumes one schedule; raises NotFound when the task has none of that id."""

    schedule_id: int
    enabled: bool

    def __call__(self, definition: TaskDefinition) -> TaskDraft:
        if not any(schedule.id == self.schedule_id for schedule in definition.schedules):
            raise NotFound(f"this task has no schedule {self.schedule_id}", id=str(self.schedule_id))
        switched = (
            replace(schedule, enabled=self.enabled) if schedule.id == self.schedule_id else schedule
            for schedule in definition.schedules
        )
        return draft_of(replace(definition, schedules=tuple(switched)))


def restoring(revision: Revision) -> Change:
    """The change that rolls back: all of an old definition but whether the task is paused."""

    def change(present: TaskDefinition) -> TaskDraft:
        known = {schedule.id for schedule in present.schedules}
        old = draft_of(replace(revision.definition, enabled=present.enabled))
        drafts = (draft if draft.wanted.id in known else _as_new(draft) for draft in old.schedules)
        return TaskDraft(old.definition, tuple(drafts))

    return change


def _as_new(draft: ScheduleDraft) -> ScheduleDraft:
    """A schedule that was deleted since comes back under a new id; its key may still find one."""
    return ScheduleDraft(replace(draft.wanted, id=NEW, seed=0), draft.anchored)
