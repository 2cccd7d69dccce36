"""A whole worker over SQLite, with the time in the test's hand and a real target to call."""

import asyncio
from pathlib import Path

from distributedjob.model.execution import Claimed, State
from distributedjob.model.policies import Policies
from distributedjob.model.target import HttpTarget as Target
from distributedjob.services.batch import Recorded
from distributedjob.targets.egress import EMBEDDED
from distributedjob.targets.http import HttpCaller
from distributedjob.telemetry.events import Events
from distributedjob.telemetry.metrics import Metrics
from distributedjob.worker.journal import Journal
from distributedjob.worker.worker import Worker, WorkerParts
from support.http_target import HttpTarget
from support.office import Leader, Office, every
from support.waiting import until

SLOTS = 4


class Shop:
    """A worker at work. Executions are recorded as claimed by it, as the recorder does it."""

    def __init__(self, office: Office, target: HttpTarget, directory: Path) -> None:
        self.office = office
        self.target = target
        self.membership = Leader()
        self.journal = Journal(directory, session=self.membership.session)
        self.caller = HttpCaller(egress=EMBEDDED, user_agent="test")
        self._tasks: list[asyncio.Task[None]] = []
        self._ids = iter(range(100, 1_000))
        self.rebuild()

    def rebuild(self) -> None:
        """A fresh worker over the office's store as it is now."""
        self.worker = Worker(
            WorkerParts(
                desk=self.office.desk,
                membership=self.membership,
                caller=self.caller,
                journal=self.journal,
                events=Events(),
                metrics=Metrics(),
                queues=("default", "other"),
                slots=SLOTS,
                writers=1,
            )
        )

    def open(self, *parts: str) -> None:
        for part in parts or ("marker", "finisher", "runner"):
            self._tasks.append(asyncio.create_task(getattr(self.worker, part).run()))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.caller.close()
        self.journal.close()

    async def record(self, policies: Policies | None = None, *, url: str | None = None) -> Recorded:
        """A fire that is recorded as claimed by this worker, and not started."""
        schedule = every(10, id_=next(self._ids))
        await self.office.add_task(
            schedule,
            policies=policies,
            target=Target(url=url or self.target.url("/run")),
            fallback=Target(url=self.target.url("/fallback")),
        )
        recorded = await self.office.record(schedule.id, slots=self.worker.take_slots(1))
        assert len(recorded.claimed) == 1, "no slot was free"
        return recorded

    async def run(self, policies: Policies | None = None, *, url: str | None = None) -> Claimed:
        """Record a fire as claimed and start it."""
        recorded = await self.record(policies, url=url)
        self.worker.start(recorded.claimed, definitions=recorded.definitions)
        return recorded.claimed[0]

    async def again(self, claim: Claimed) -> Claimed:
        """Claim what was given back or waits for a retry, and start it."""
        row = await self.office.row(claim.id)
        self.office.now = max(self.office.now, row.not_before)
        self.worker.take_slots(1)
        (claimed,) = await self.office.claim((claim.id, row.fence))
        definitions = await self.office.desk.read(
            lambda tx: dict(tx.revisions.load(tx.connection, [(claimed.task_id, claimed.revision)]))
        )
        self.worker.start([claimed], definitions=definitions)
        return claimed

    async def called(self, count: int = 1) -> None:
        await until(lambda: len(self.target.requests) >= count)

    async def written(self) -> None:
        """Wait until everything that was started has its result in the database."""
        await until(lambda: not self.worker.runner.running)

    async def outcome(self, claim: Claimed) -> tuple[State, str | None]:
        await self.written()
        row = await self.office.row(claim.id)
        return State(row.state), row.reason
