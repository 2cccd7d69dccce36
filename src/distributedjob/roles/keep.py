"""What the parts of a role have in common: they are kept in rhythm, and their failures are told."""

from distributedjob.runtime.crew import Crew
from distributedjob.runtime.rhythm import PassFailed, Rhythm, Service
from distributedjob.telemetry.events import Events


def keep(crew: Crew, service: Service, *, every: float, events: Events) -> Rhythm:
    """Run a pass of `service` every so many seconds, for as long as the crew lives."""

    def tell(failed: PassFailed) -> None:
        events.pass_failed(failed.service, failed.error, failures=failed.failures)

    rhythm = Rhythm(service, interval=every, on_failure=tell)
    crew.take(rhythm.run(), name=service.name, close=rhythm.close)
    return rhythm
